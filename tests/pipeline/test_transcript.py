"""The log of a datum: bounded, readable while it grows, and without secrets."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pedigree.pipeline import transcript
from pedigree.pipeline.transcript import Transcript

SECRET = "tr0ub4dor"


@given(st.lists(st.sampled_from(["a", "tr0", "ub4", "dor", "tr0ub4dor", "\n", "r"]), max_size=30))
def test_a_secret_is_blotted_out_however_it_is_cut_into_pieces(pieces: list[str]) -> None:
    """Break: look at each piece alone."""
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        log = Transcript(Path(folder) / "log", {"token": SECRET})
        for piece in pieces:
            log.write(piece.encode())
        log.close()
        found = (Path(folder) / "log").read_text() if (Path(folder) / "log").exists() else ""
    whole = "".join(pieces)
    assert SECRET not in found
    assert found == whole.replace(SECRET, "[secret token]")


def test_short_values_are_left_alone(tmp_path: Path) -> None:
    """To blot out every "1" hides the log and no secret. Break: blot out all."""
    log = Transcript(tmp_path / "log", {"n": "1"})
    log.write(b"1 of 11\n")
    log.close()
    assert (tmp_path / "log").read_text() == "1 of 11\n"


@given(st.lists(st.text("abc\n", max_size=60).map(str.encode), max_size=30))
def test_head_and_tail_are_exact_and_the_gap_is_counted(pieces: list[bytes]) -> None:
    """Break: forget the pieces that straddle the end of the head."""
    import tempfile

    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(transcript, "HEAD_BYTES", 100)
        patch.setattr(transcript, "TAIL_BYTES", 80)
        log = Transcript(Path(folder) / "log")
        for piece in pieces:
            log.write(piece)
        whole = b"".join(pieces)
        last = log.last_lines(1000, 50)
        log.close()
        found = (Path(folder) / "log").read_bytes() if whole else b""
    assert log.printed_bytes == len(whole)
    assert last == "\n".join(whole[-50:].decode("utf-8", "replace").splitlines()[-1000:])
    if b" bytes were left out here\n" in found:
        head, _, rest = found.partition(b"\n[pedigree] ")
        count, _, tail = rest.partition(b" bytes were left out here\n")
        assert whole == head + whole[len(head) : len(head) + int(count)] + tail
        assert len(head) == 100
        assert 80 <= len(tail) < 80 + 60
    else:
        assert found == whole


def test_what_was_printed_can_be_read_while_the_step_runs(tmp_path: Path) -> None:
    """Break: keep the head in memory."""
    log = Transcript(tmp_path / "log")
    log.write(b"epoch 1\n")
    assert (tmp_path / "log").read_text() == "epoch 1\n"
    log.close()


def test_a_silent_step_leaves_no_file(tmp_path: Path) -> None:
    """Break: create the file at once."""
    Transcript(tmp_path / "log").close()
    assert not (tmp_path / "log").exists()
