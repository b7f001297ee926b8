"""The networks against the papers and torchvision's names, and published weights, good and bad."""

from __future__ import annotations

import hashlib
import math
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")

from safetensors.torch import load_file, save, save_file  # noqa: E402

from tests.store.fileserver import FileServer  # noqa: E402

from .steps import PETS, load  # noqa: E402  # after the check that torch is there


def test_the_encoder_is_the_published_one_under_torchvisions_names() -> None:
    """At width 1 the encoder has the tensors of torchvision's `mobilenet_v2` before its last convolution: 1,811,712
    parameters (2,223,872 of all its features, less 320 x 1280 + 2 x 1280 of the last). Break: swap the order of the
    depthwise and the projecting convolution."""
    encoder = load("mobilenet").Encoder()
    assert sum(parameter.numel() for parameter in encoder.parameters()) == 2_223_872 - 320 * 1280 - 2 * 1280
    shapes = {name: tuple(tensor.shape) for name, tensor in encoder.state_dict().items()}
    assert shapes["features.0.0.weight"] == (32, 3, 3, 3)
    assert shapes["features.0.1.running_mean"] == (32,)
    assert shapes["features.1.conv.0.0.weight"] == (32, 1, 3, 3)  # the first block does not widen
    assert shapes["features.1.conv.1.weight"] == (16, 32, 1, 1)
    assert shapes["features.1.conv.2.bias"] == (16,)
    assert shapes["features.2.conv.0.0.weight"] == (96, 16, 1, 1)
    assert shapes["features.2.conv.1.0.weight"] == (96, 1, 3, 3)
    assert shapes["features.2.conv.2.weight"] == (24, 96, 1, 1)
    assert shapes["features.17.conv.3.weight"] == (320,)
    assert max(int(name.split(".")[1]) for name in shapes) == 17


@pytest.mark.parametrize("width", [0.35, 0.5, 1.0])
def test_activations_come_at_strides_2_to_32(width: float) -> None:
    """Five activations, each half the size of the one before, as deep as announced. Break: tap block 5 for 6."""
    encoder = load("mobilenet").Encoder(width).eval()
    with torch.no_grad():
        taken = encoder(torch.zeros(1, 3, 64, 96))
    assert [tuple(x.shape[2:]) for x in taken] == [(32, 48), (16, 24), (8, 12), (4, 6), (2, 3)]
    assert tuple(x.shape[1] for x in taken) == encoder.depths


def test_vgg_is_the_published_one_under_torchvisions_names() -> None:
    """20,024,384 parameters in torchvision's `vgg19().features`, its convolutions at these places, and the five pooling
    layers at strides 2 to 32. Break: three convolutions in place of four before the third pooling layer."""
    encoder = load("vgg").Encoder()
    assert sum(parameter.numel() for parameter in encoder.parameters()) == 20_024_384
    shapes = {name: tuple(tensor.shape) for name, tensor in encoder.state_dict().items()}
    places = sorted({int(name.split(".")[1]) for name in shapes})
    assert places == [0, 2, 5, 7, 10, 12, 14, 16, 19, 21, 23, 25, 28, 30, 32, 34]
    assert shapes["features.0.weight"] == (64, 3, 3, 3)
    assert shapes["features.10.weight"] == (256, 128, 3, 3)
    assert shapes["features.34.bias"] == (512,)
    small = load("vgg").Encoder(0.125).eval()
    with torch.no_grad():
        taken = small(torch.zeros(1, 3, 64, 96))
    assert [tuple(x.shape[2:]) for x in taken] == [(32, 48), (16, 24), (8, 12), (4, 6), (2, 3)]
    assert tuple(x.shape[1] for x in taken) == small.depths == (8, 16, 32, 64, 64)


def test_the_unet_gives_a_logit_per_class_and_pixel() -> None:
    """The output is as large as the image, in three classes, and every parameter takes part. Break: drop the last Up."""
    unet = load("unet")
    model = unet.UNet(0.35, [32, 24, 16, 8, 8])
    logits = model(torch.rand(2, 3, 64, 96))
    assert logits.shape == (2, 3, 64, 96)
    logits.sum().backward()
    assert not [name for name, parameter in model.named_parameters() if parameter.grad is None]
    assert load("models").build({"model": model.settings}).state_dict().keys() == model.state_dict().keys()
    with pytest.raises(ValueError, match="5 stages"):
        unet.UNet(1.0, [8, 8])


@pytest.mark.parametrize("encoder", ["mobilenet_v2", "vgg19"])
def test_a_model_is_built_again_from_its_files(tmp_path: Path, encoder: str) -> None:
    """Weights and settings come back, and the logits are the same bits. Break: leave the encoder out of the card."""
    models = load("models")
    card = {"model": {"encoder": encoder, "width": 0.25, "decoder": [8, 8, 8, 8, 8], "dropout": 0.5}}
    model = models.build_seeded(card, 3).eval()
    models.save(tmp_path / "model", model, (64, 64))
    again = models.load(tmp_path / "model")
    assert again.settings == model.settings == card["model"]
    images = torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        assert torch.equal(again(images), model.to(memory_format=torch.channels_last)(images))


def test_initial_weights_are_a_function_of_the_seed_alone() -> None:
    """The same seed gives the same weights wherever torch's random state stands, and leaves it there; another seed gives
    others. Break: initialise from the state as it is."""
    models = load("models")
    card = {"model": {"encoder": "mobilenet_v2", "width": 0.25, "decoder": [8, 8, 8, 8, 8], "dropout": 0.0}}
    first = models.build_seeded(card, 1).state_dict()
    torch.rand(7)
    before = torch.get_rng_state()
    again, other = models.build_seeded(card, 1).state_dict(), models.build_seeded(card, 2).state_dict()
    assert torch.equal(torch.get_rng_state(), before)
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not torch.equal(first["head.weight"], other["head.weight"])


def test_activations_keep_their_size_through_vgg() -> None:
    """Sixteen convolutions without normalisation: with the variance 2 / inputs, what leaves the last is of the size of
    what went in. torch's own initialisation divides it by thousands. Break: do not initialise."""
    card = {"model": {"encoder": "vgg19", "width": 0.25, "decoder": [8, 8, 8, 8, 8], "dropout": 0.0}}
    model = load("models").build_seeded(card, 1)
    with torch.no_grad():
        *_, deepest = model.encoder(torch.randn(2, 3, 64, 64, generator=torch.Generator().manual_seed(1)))
    assert 0.1 < deepest.std() < 10
    convolution = model.encoder.features[34]
    assert convolution.weight.std().item() == pytest.approx(math.sqrt(2 / (128 * 9)), rel=0.02)  # of 147,456 draws


def test_dropout_draws_from_torchs_state_while_training_alone() -> None:
    """The same state gives the same logits, another state others, and evaluation draws nothing. Break: dropout in
    evaluation as well."""
    unet = load("unet")
    model = unet.UNet(0.25, [8, 8, 8, 8, 8], dropout=0.5)
    images = torch.rand(2, 3, 32, 32)

    def logits(seed: int) -> Any:
        torch.manual_seed(seed)
        with torch.no_grad():
            return model(images)

    assert torch.equal(logits(1), logits(1))
    assert not torch.equal(logits(1), logits(2))
    model.eval()
    assert torch.equal(logits(1), logits(2))


# ------------------------------------------------------------------------------------------------- published weights


def _whole(encoder: Any, value: float) -> dict[str, Any]:
    """A whole network's state as torchvision publishes it, each weight of one value."""
    state = {name: torch.full_like(tensor, value) for name, tensor in encoder.state_dict().items()}
    last = {"features.18.0.weight": torch.zeros(1)} if any("conv" in name for name in state) else {}
    return state | last | {"classifier.1.bias": torch.zeros(1)}


@pytest.mark.parametrize("name", ["mobilenet", "vgg"])
def test_published_weights_of_a_whole_network_fit(name: str) -> None:
    """The classifier is left aside, and a counter that old files lack is not missed. What does not fit is named with both
    shapes, and nothing is changed. Break: load with strict=False."""
    weights, encoder = load("weights"), load(name).Encoder(0.25)
    state = _whole(encoder, 1.0)
    weights.fit_into(encoder, {key: one for key, one in state.items() if "num_batches" not in key}, encoder.unused)
    assert all((parameter == 1).all() for parameter in encoder.parameters())

    first, *others = [key for key in encoder.state_dict() if key.endswith("weight")]
    bad = {key: torch.zeros_like(one) for key, one in state.items() if key != others[0]}
    bad[first] = torch.zeros(2, 3)
    bad["features.99.weight"] = torch.zeros(1)
    shape = tuple(encoder.state_dict()[first].shape)
    with pytest.raises(ValueError, match="do not fit this encoder: ") as raised:
        weights.fit_into(encoder, bad, encoder.unused)
    told = str(raised.value).split(": ", 1)[1].split("; ")
    assert told == [
        f"{first} is (2, 3) there and {shape} here",
        f"{others[0]} is missing",
        "features.99.weight is not known here",
    ]
    assert all((parameter == 1).all() for parameter in encoder.parameters())


def test_weights_that_the_step_cannot_use_are_named(tmp_path: Path) -> None:
    """Missing, a pickle, cut short, another file than the checksum says: one line each. Break: let the library's
    traceback be the message; read the pickle."""
    read, pretrained = load("weights").read_weights, load("settings").Pretrained
    file = tmp_path / "w.safetensors"
    with pytest.raises(
        SystemExit, match=r"w\.safetensors: no such file for this step\. Put it there, and add it to `co"
    ):
        read(pretrained(file=str(file)))
    wanted = pretrained(file=str(file), url="https://example.org/w", checksum="sha256:" + "0" * 64)
    with pytest.raises(SystemExit, match=r"no such file for this step\. Run `python weights\.py`"):
        read(wanted)
    torch.save({"a": torch.zeros(1)}, file)
    with pytest.raises(
        SystemExit, match=r"w\.safetensors: a pickle, which may run code.*save_file\(torch\.load"
    ) as ended:
        read(pretrained(file=str(file)))
    assert "\n" not in str(ended.value)
    save_file({"a": torch.ones(1)}, file)
    with pytest.raises(SystemExit, match=r"has the sha256:[0-9a-f]{64}, and model\.pretrained\.checksum is sha256:000"):
        read(wanted)
    assert read(pretrained(file=str(file)))["a"] == 1
    with pytest.raises(
        SystemExit, match=r"w\.safetensors: the weights do not fit.* `encoder` and `width` in conf/model"
    ):
        load("weights").load_pretrained(load("mobilenet").Encoder(0.25), pretrained(file=str(file)))
    file.write_bytes(file.read_bytes()[:-1])
    with pytest.raises(SystemExit, match=r"w\.safetensors: no whole safetensors file"):
        read(pretrained(file=str(file)))


@pytest.mark.slow
def test_weights_are_fetched_from_where_the_configuration_says(tmp_path: Path) -> None:
    """As a person does it: an address and a checksum in conf/model, one command, and the file fits. Another file there is
    refused by its checksum. Break: download without the checksum."""
    data = save(_whole(load("mobilenet").Encoder(0.25), 1.0))
    with FileServer({"/encoder.safetensors": data}) as server:
        (tmp_path / "conf").symlink_to(PETS / "conf")

        def fetched(checksum: str) -> subprocess.CompletedProcess[str]:
            where = f"file: w.safetensors, url: '{server.url('/encoder.safetensors')}', checksum: 'sha256:{checksum}'"
            command = [sys.executable, str(PETS / "weights.py"), "--allow-private", f"model.pretrained={{{where}}}"]
            return subprocess.run(
                command,
                cwd=tmp_path,
                check=False,
                text=True,
                capture_output=True,
                env={**os.environ, "OMP_NUM_THREADS": "1"},
            )

        done = fetched("1" * 64)
        assert done.returncode == 1
        assert "was expected. The file on the server changed" in done.stderr
        assert not (tmp_path / "w.safetensors").exists()
        done = fetched(hashlib.sha256(data).hexdigest())
    assert done.returncode == 0, done.stderr
    encoder = load("mobilenet").Encoder(0.25)
    load("weights").fit_into(encoder, load_file(tmp_path / "w.safetensors"), encoder.unused)


def test_a_url_without_a_checksum_is_refused() -> None:
    """Whoever has the server could change the model. Break: make the checksum optional."""
    from pydantic import ValidationError

    with pytest.raises(ValidationError, match="a url needs a checksum"):
        load("settings").Pretrained(file="w", url="https://example.org/w")


def test_the_settings_of_the_first_version_still_work() -> None:
    """A file of version 1 has a path in `pretrained` and no encoder; it means what it meant. Break: no `Map`."""
    from pedigree.config import migrate

    settings = load("settings")
    old = {"version": 1, "width": 0.5, "decoder": [8, 8, 8, 8, 8], "pretrained": "w.safetensors"}
    for values, file in ((old, {"file": "w.safetensors"}), ({**old, "pretrained": None}, None)):
        new = settings.Model.model_validate(migrate(values, None, settings.Model).values)
        assert (new.encoder, new.dropout) == ("mobilenet_v2", 0.0)
        assert (new.pretrained and new.pretrained.model_dump(exclude_none=True)) == file
