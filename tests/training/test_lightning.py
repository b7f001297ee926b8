"""Resuming through Lightning's own Trainer: same bytes, same number of steps."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = """
import hashlib, json, logging, os, signal, sys, warnings
warnings.filterwarnings("ignore")
logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
import numpy as np, random, torch
torch.set_num_threads(1)
import lightning.pytorch as pl
from lightning.pytorch.callbacks import EarlyStopping
from pedigree.training import LightningCheckpoints

folder, epochs, kill_at, scheduler = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]

class Data(torch.utils.data.Dataset):
    def __len__(self):
        return 44
    def __getitem__(self, index):
        noise = torch.rand(6) + random.random() + np.random.random()  # augmentation from the process's own states
        return torch.full((6,), index / 44) + noise * 0.1, index % 3

class Module(pl.LightningModule):
    def __init__(self):
        super().__init__()
        self.net = torch.nn.Sequential(torch.nn.Linear(6, 16), torch.nn.BatchNorm1d(16), torch.nn.Dropout(0.3), torch.nn.Linear(16, 3))
        self.seen = []
    def training_step(self, batch, index):
        x, y = batch
        loss = torch.nn.functional.cross_entropy(self.net(x), y)
        self.log("loss", loss, on_epoch=True)
        print("step", self.global_step + 1, loss.item(), flush=True)
        if self.global_step + 1 == kill_at:
            os.kill(os.getpid(), signal.SIGKILL)
        return loss
    def validation_step(self, batch, index):
        x, y = batch
        self.log("val", torch.nn.functional.cross_entropy(self.net(x), y))
    def configure_optimizers(self):
        optimizer = torch.optim.Adam(self.parameters(), lr=0.02)
        kinds = {
            "step": lambda: {"scheduler": torch.optim.lr_scheduler.OneCycleLR(optimizer, 0.05, total_steps=100), "interval": "step"},
            "epoch": lambda: torch.optim.lr_scheduler.StepLR(optimizer, 2, 0.5),
            "plateau": lambda: {"scheduler": torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, patience=0, threshold=0.5), "monitor": "val"},
        }
        return {"optimizer": optimizer, "lr_scheduler": kinds[scheduler]()}

pl.seed_everything(3)
module = Module()
order = torch.Generator().manual_seed(9)
loader = torch.utils.data.DataLoader(Data(), 8, shuffle=True, drop_last=True, generator=order if scheduler == "step" else None)
stop = EarlyStopping("val", patience=50)
trainer = pl.Trainer(
    max_epochs=epochs, accelerator="cpu", logger=False, enable_checkpointing=False, enable_progress_bar=False, enable_model_summary=False,
    callbacks=[LightningCheckpoints(folder, parts={"order": order}, keep_last=3), stop],
)
trainer.fit(module, loader, torch.utils.data.DataLoader(Data(), 8))
found = hashlib.sha256()
for name, value in sorted(module.state_dict().items()):
    found.update(name.encode() + value.numpy().tobytes())
for state in trainer.optimizers[0].state_dict()["state"].values():
    for name, value in sorted(state.items()):
        found.update(name.encode() + value.numpy().tobytes())
groups = [{name: value for name, value in group.items() if name != "params"} for group in trainer.optimizers[0].param_groups]
for state in [*groups, trainer.lr_scheduler_configs[0].scheduler.state_dict(), stop.state_dict()]:
    print("state", sorted((name, repr(value)) for name, value in state.items()))
print("next", torch.rand(2).tolist(), random.random(), np.random.random())
print("end", trainer.global_step, trainer.current_epoch, found.hexdigest(), flush=True)
"""


def run(folder: Path, epochs: int, kill_at: int, scheduler: str) -> list[str]:
    command = [sys.executable, "-c", SCRIPT, str(folder), str(epochs), str(kill_at), scheduler]
    done = subprocess.run(command, capture_output=True, text=True, cwd=folder.parent)
    assert done.returncode == (-signal.SIGKILL if kill_at else 0), done.stderr
    return done.stdout.splitlines()


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("scheduler", ["step", "epoch", "plateau"])
def test_a_killed_fit_ends_with_the_same_bytes(scheduler: str, tmp_path: Path) -> None:
    """Killed in the second and fourth epoch of five (five steps each); every loss of the steps made again is the same too.

    Break: leave the loop over batches restarting; put the generators back before Lightning reads from the loader only; leave the first epoch
    restarting, which schedulers that watch a metric then sit out.
    """
    whole = run(tmp_path / "whole", 5, 0, scheduler)
    assert whole[-1].startswith("end 25 5 ")
    folder = tmp_path / "killed"
    for kill_at in (9, 18):
        assert [line for line in run(folder, 5, kill_at, scheduler) if line not in whole] == []
    last = run(folder, 5, 0, scheduler)
    first = next(line for line in last if line.startswith("step"))
    # Killed three steps after the checkpoint of step 15; a slow disk may leave that of step 10.
    assert first.startswith(("step 16 ", "step 11 "))
    assert last == whole[whole.index(first) :]
    done = [line for line in run(folder, 5, 0, scheduler) if not line.startswith("next")]
    assert done == [line for line in whole if line.startswith(("state", "end"))], (
        "a finished training has nothing left to do"
    )
    if scheduler == "plateau":  # and one that is made longer goes on as one that was meant to be
        longer = run(folder, 6, 0, scheduler)
        assert longer == run(tmp_path / "straight", 6, 0, scheduler)[-len(longer) :]
        assert longer[0].startswith("step 26 ")
