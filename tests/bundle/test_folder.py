from __future__ import annotations

import json
from pathlib import Path

import pytest

from calogan.bundle import Bundle, read_card, sha256, write_bundle
from calogan.errors import ModelError, OutputError
from tests.tiny_models import make_bundle, make_card, make_network


def test_a_bundle_is_two_files(tiny: Path) -> None:
    assert {file.name for file in tiny.iterdir()} == {"card.json", "model.onnx"}
    bundle = Bundle(tiny)
    assert bundle.card.name == "tiny"
    assert bundle.card.sha256 == sha256(tiny / "model.onnx")
    assert bundle.read_model() == make_network().SerializeToString()


def test_words_for_people_may_lie_beside_it(tiny: Path) -> None:
    (tiny / "README.md").write_text("# Our model")
    (tiny / "LICENSE").write_text("...")
    (tiny / ".DS_Store").write_bytes(b"")
    assert Bundle(tiny).card.name == "tiny"


@pytest.mark.parametrize("name", ["weights.bin", "hook.py", "card.json.bak"])
def test_other_files_are_refused(tiny: Path, name: str) -> None:
    (tiny / name).write_bytes(b"")
    with pytest.raises(
        ModelError, match=f"not a model bundle: it holds {name}, and only card.json"
    ):
        Bundle(tiny)


def test_damage_is_one_clear_line(tiny: Path) -> None:
    model = tiny / "model.onnx"
    whole = model.read_bytes()
    damaged = bytearray(whole)
    damaged[100] ^= 1
    for content in (bytes(damaged), whole[:-1], b"", b"not a network"):
        model.write_bytes(content)
        with pytest.raises(ModelError, match="damaged: its checksum is not the one") as caught:
            Bundle(tiny)
        assert "\n" not in str(caught.value)
    model.unlink()
    with pytest.raises(ModelError, match=r"not a model bundle: it holds no model\.onnx"):
        Bundle(tiny)
    (tiny / "card.json").unlink()
    with pytest.raises(ModelError, match=r"not a model bundle: cannot read card\.json \(No such"):
        Bundle(tiny)


def test_a_model_that_changes_after_it_was_opened_is_not_run(tiny: Path) -> None:
    bundle = Bundle(tiny)
    (tiny / "model.onnx").write_bytes(make_network(n=1).SerializeToString())
    with pytest.raises(ModelError, match="damaged"):
        bundle.read_model()
    (tiny / "model.onnx").unlink()
    with pytest.raises(ModelError, match=r"cannot read .*No such file"):
        bundle.read_model()


def test_a_checksum_alone_makes_no_network(tmp_path: Path) -> None:
    path = write_bundle(tmp_path / "fake", b"not a network", make_card())
    with pytest.raises(ModelError, match="is no ONNX network"):
        Bundle(path).read_model()


def test_a_huge_model_is_refused_before_it_is_read(
    tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with (tiny / "model.onnx").open("r+b") as file:
        file.truncate(1_000_000_001)  # of holes: it takes no room

    def refuse(_: Path) -> str:
        pytest.fail("it was read")

    monkeypatch.setattr("calogan.bundle.folder.sha256", refuse)
    with pytest.raises(ModelError, match="1,000 MB, a network is at most 1,000 MB"):
        Bundle(tiny)


def test_a_card_without_a_network_can_be_read(tiny: Path) -> None:
    (tiny / "model.onnx").unlink()
    assert read_card(tiny).name == "tiny"


def test_a_newer_schema_is_one_clear_line(tiny: Path) -> None:
    card = tiny / "card.json"
    card.write_text(json.dumps(json.loads(card.read_text()) | {"schema_version": 2, "new": 1}))
    with pytest.raises(
        ModelError, match=r"card\.json: schema_version: 2 is newer .*update calogan"
    ):
        Bundle(tiny)


def test_an_older_bundle_is_replaced_and_nothing_else(tiny: Path) -> None:
    make_bundle(tiny, version=2)
    assert Bundle(tiny).card.version == 2
    assert [path.name for path in tiny.parent.iterdir() if "tiny" in path.name] == ["tiny"]
    (tiny / "chapter.tex").write_text("years of work")
    with pytest.raises(OutputError, match=r"the folder holds chapter\.tex"):
        make_bundle(tiny)
    with pytest.raises(OutputError, match="it is no folder"):
        make_bundle(tiny / "chapter.tex")
    (tiny.parent / "file").write_text("")
    with pytest.raises(OutputError, match="cannot write the bundle"):
        make_bundle(tiny.parent / "file" / "model")
