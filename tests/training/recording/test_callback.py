"""The recorder as a callback keeps what it keeps in a loop, and resumes with Lightning's training."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = """
import logging, os, signal, sys, warnings
warnings.filterwarnings("ignore")
logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
import torch
torch.set_num_threads(1)
import lightning.pytorch as pl
from pedigree.training import LightningCheckpoints, LightningRecorder, Recorder

folder, kill_at, devices, accumulate = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
made = torch.Generator().manual_seed(1)
X, y = torch.randn(44, 6, generator=made), torch.arange(44) % 3
data = torch.utils.data.TensorDataset(X, y, torch.arange(44))
seen = Recorder(44, 3, probabilities=True)  # beside the callback: a plain call in the loop

class Module(pl.LightningModule):
    def __init__(self):
        super().__init__()
        self.net = torch.nn.Sequential(torch.nn.Linear(6, 16), torch.nn.Dropout(0.3), torch.nn.Linear(16, 3))
    def training_step(self, batch, index):
        x, y, at = batch
        logits = self.net(x)
        seen.record(at, logits, y, epoch=self.current_epoch)
        if self.global_step + 1 == kill_at:
            os.kill(os.getpid(), signal.SIGKILL)
        return {"loss": torch.nn.functional.cross_entropy(logits, y), "logits": logits, "labels": y, "indices": at}
    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=0.1)

pl.seed_everything(3)
recorder = LightningRecorder(folder + "/signals", 44, 3, probabilities=True)
callbacks = [recorder]
if devices == 1:
    callbacks.append(LightningCheckpoints(folder + "/checkpoints"))
trainer = pl.Trainer(
    max_epochs=4, accelerator="cpu", devices=devices, strategy="ddp" if devices > 1 else "auto", accumulate_grad_batches=accumulate, logger=False,
    enable_checkpointing=False, enable_progress_bar=False, enable_model_summary=False, callbacks=callbacks,
)
trainer.fit(Module(), torch.utils.data.DataLoader(data, 8, shuffle=True))
if trainer.is_global_zero:
    seen.save(folder + "/loop")
"""


def run(folder: Path, kill_at: int = 0, devices: int = 1, accumulate: int = 1) -> None:
    folder.mkdir(exist_ok=True)
    script = folder / "script.py"
    script.write_text(SCRIPT)
    command = [sys.executable, str(script), str(folder), str(kill_at), str(devices), str(accumulate)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=folder)
    assert done.returncode == (-signal.SIGKILL if kill_at else 0), done.stderr


def signals(folder: Path, name: str = "signals") -> bytes:
    return (folder / name / "signals.safetensors").read_bytes()


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_callback_records_what_a_loop_does_and_resumes(tmp_path: Path) -> None:
    """With accumulated gradients too; killed in the second and in the fourth epoch, the file has the same bytes.

    Break: keep no state.
    """
    whole, parts, killed = tmp_path / "whole", tmp_path / "parts", tmp_path / "killed"
    run(whole)
    assert signals(whole) == signals(whole, "loop")
    run(parts, accumulate=3)
    assert signals(parts) == signals(parts, "loop") != signals(whole)
    run(killed, kill_at=9)
    run(killed, kill_at=20)
    run(killed)
    assert signals(killed) == signals(whole)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_two_processes_leave_one_file(tmp_path: Path) -> None:
    """Each of the 44 samples is in the merged file, and in each of the four epochs.

    Break: save on the first rank alone.
    """
    import numpy as np

    from pedigree.training.recording import files

    run(tmp_path, devices=2)
    _, merged = files.read(str(tmp_path / "signals" / "signals.safetensors"))
    ranks = [files.read(str(tmp_path / "signals" / files.name_of(rank, 2)))[1] for rank in range(2)]
    assert (merged["epochs"] == 4).all()
    assert merged["presentations"].sum() == 4 * 44 == sum(rank["presentations"].sum() for rank in ranks)
    assert (merged["label"] == np.arange(44) % 3).all()
    assert all((rank["epochs"] < 4).any() for rank in ranks)
