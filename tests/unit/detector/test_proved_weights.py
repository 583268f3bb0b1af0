"""Good weights cannot be taken away by a bad file at their path."""

import os
from pathlib import Path

import pytest

from cluster.settings.models import ModelSettings
from deployments.detector.proved_weights import KEPT, ProvedWeights
from deployments.detector.weights import sha256_of


def kept(weights: ProvedWeights, path: Path, content: bytes) -> str:
    path.write_bytes(content)
    weights.keep(path, digest := sha256_of(path))
    return digest


def test_a_file_that_is_overwritten_in_place_leaves_the_kept_one_as_it_was(tmp_path: Path) -> None:
    weights = ProvedWeights(tmp_path / "proved")
    digest = kept(weights, tmp_path / "best.pt", b"good")
    (tmp_path / "best.pt").write_bytes(b"noise")

    found = weights.find(digest)

    assert found is not None
    assert (found.name, found.read_bytes()) == ("best.pt", b"good")


def test_an_entry_is_given_the_kept_weights(tmp_path: Path, entry: ModelSettings) -> None:
    weights = ProvedWeights(tmp_path / "proved")
    digest = kept(weights, tmp_path / "best.pt", b"good")

    instead = weights.instead_of(entry.model_copy(update={"sha256": digest}))

    assert instead is not None
    assert Path(instead.weights).read_bytes() == b"good"
    assert (instead.name, instead.classes) == (entry.name, entry.classes)
    assert weights.instead_of(entry) is None


def test_an_openvino_folder_is_kept_whole(tmp_path: Path) -> None:
    (folder := tmp_path / "site_openvino_model").mkdir()
    (folder / "model.xml").write_text("<net/>")
    (folder / "model.bin").write_bytes(b"good")
    weights = ProvedWeights(tmp_path / "proved")
    weights.keep(folder, digest := sha256_of(folder / "model.bin"))

    found = weights.find(digest)

    assert found is not None
    assert sorted(path.name for path in found.iterdir()) == ["model.bin", "model.xml"]


def test_what_went_bad_on_the_disk_is_not_given_and_is_kept_anew(tmp_path: Path) -> None:
    weights = ProvedWeights(tmp_path / "proved")
    digest = kept(weights, tmp_path / "best.pt", b"good")
    (tmp_path / "proved" / digest / "best.pt").write_bytes(b"rot")

    assert weights.find(digest) is None
    weights.keep(tmp_path / "best.pt", digest)
    assert weights.find(digest) is not None


def test_only_the_last_few_are_kept(tmp_path: Path) -> None:
    weights = ProvedWeights(tmp_path / "proved")
    digests = []
    for number in range(KEPT + 2):
        digests.append(kept(weights, tmp_path / "best.pt", bytes([number])))
        os.utime(tmp_path / "proved" / digests[-1], (number, number))
    weights.keep(tmp_path / "best.pt", digests[-1])

    found = [weights.find(digest) is not None for digest in digests]
    assert found == [False] * 2 + [True] * KEPT


@pytest.mark.parametrize("folder", ["proved", "a file"])
def test_weights_that_cannot_be_kept_stop_nothing(tmp_path: Path, folder: str) -> None:
    (tmp_path / "a file").write_text("in the way")
    weights = ProvedWeights(tmp_path / folder)

    weights.keep(tmp_path / "missing.pt", "0" * 64)

    assert weights.find("0" * 64) is None
