"""Calorimeters as YAML: files, those that ship with the package, and short forms."""

from __future__ import annotations

from collections.abc import Hashable
from importlib.resources import files
from pathlib import Path
from typing import Any

import yaml

from calogan.errors import CalorimeterError

__all__ = ["dump_yaml", "expand_layers", "find_calorimeter", "read_yaml", "shipped_calorimeters"]

_MAX_BYTES = 4_000_000
_MAX_LAYERS = 10_000
_SHIPPED = Path(str(files(__package__))) / "shipped"


class _Loader(yaml.SafeLoader):
    """YAML that refuses a key that comes twice in a mapping, where the last one would win."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        found = set()
        for key, _ in node.value:
            if key.tag == "tag:yaml.org,2002:merge":
                continue
            if isinstance(key, yaml.ScalarNode):
                if key.value in found:
                    problem = f"the key {key.value!r} comes twice"
                    raise yaml.constructor.ConstructorError(None, None, problem, key.start_mark)
                found.add(key.value)
        return super().construct_mapping(node, deep)


def read_yaml(path: Path, shown: str | None = None) -> dict[str, Any]:
    """Read a YAML file that holds a mapping.

    Args:
        path: The file.
        shown: What to call it in a message; its path unless given.

    Raises:
        CalorimeterError: The file cannot be read, is no YAML, or holds something else.
    """
    shown = shown or str(path)
    try:
        with path.open("rb") as file:
            text = file.read(_MAX_BYTES + 1)
        if len(text) > _MAX_BYTES:
            msg = f"{shown}: larger than {_MAX_BYTES / 1e6:g} MB, that is no calorimeter"
            raise CalorimeterError(msg)
        values = yaml.load(text.decode("utf-8"), _Loader)
    except OSError as error:
        msg = f"cannot read the calorimeter {shown}: {error.strerror or error}"
        raise CalorimeterError(msg) from error
    except (UnicodeDecodeError, yaml.reader.ReaderError) as error:
        msg = f"cannot read the calorimeter {shown}: not a text file"
        raise CalorimeterError(msg) from error
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        line = f", line {mark.line + 1}" if mark else ""
        what = error.problem or "cannot be understood"
        msg = f"{shown}{line}: not valid YAML: {what}"
        raise CalorimeterError(msg) from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        what = " ".join(str(error).split())
        msg = f"cannot read the calorimeter {shown}: not valid YAML: {what}"
        raise CalorimeterError(msg) from error
    if not isinstance(values, dict):
        found = "is empty" if values is None else f"holds a {type(values).__name__}"
        msg = (
            f"{shown} {found}: expected a mapping of the calorimeter's fields (name, sections, ...)"
        )
        raise CalorimeterError(msg)
    return values


def shipped_calorimeters() -> dict[str, str]:
    """Names of the calorimeters that ship with the package, and what each is, in a few words."""
    found = {}
    for path in sorted(_SHIPPED.glob("*.yaml")):
        first = path.read_text(encoding="utf-8").partition("\n")[0]
        found[path.stem] = first.removeprefix("#").strip()
    return found


def find_calorimeter(source: str | Path) -> tuple[Path, str]:
    """Find the file of a calorimeter by its name or path, and what to call it in a message.

    Raises:
        CalorimeterError: There is no such calorimeter.
    """
    name = str(source)
    shipped = shipped_calorimeters()
    if name in shipped:
        return _SHIPPED / f"{name}.yaml", f"{name}.yaml"
    path = Path(source)
    if not path.exists():
        msg = f"no calorimeter {name!r}: give {', '.join(shipped)}, or a YAML file"
        raise CalorimeterError(msg)
    return path, str(path)


def expand_layers(values: dict[str, Any], source: str) -> tuple[dict[str, Any], list[int]]:
    """Write out readout layers that stand for several.

    Args:
        values: Plain values of a calorimeter. In an entry of `layers`, `repeat: n` stands for n
            equal layers one behind another, the first from `z_min_mm` to `z_max_mm`.
        source: Where they are from.

    Returns:
        The values with one entry per layer, and the entry that each layer comes from.

    Raises:
        CalorimeterError: A number of layers that makes no sense.
    """
    entries = values.get("layers")
    if not isinstance(entries, list):
        return values, []
    layers: list[Any] = []
    origin: list[int] = []
    for k, entry in enumerate(entries):
        if not (isinstance(entry, dict) and "repeat" in entry):
            layers.append(entry)
            origin.append(k)
            continue
        repeat = entry["repeat"]
        if isinstance(repeat, bool) or not isinstance(repeat, int) or repeat < 1:
            msg = f"{source}: layers.{k}.repeat: must be a whole number above 0, not {repeat!r}"
            raise CalorimeterError(msg)
        if len(layers) + repeat > _MAX_LAYERS:
            msg = f"{source}: layers.{k}.repeat: at most {_MAX_LAYERS} layers are possible"
            raise CalorimeterError(msg)
        one = {key: value for key, value in entry.items() if key != "repeat"}
        layers += _row(one, repeat)
        origin += [k] * repeat
    return {**values, "layers": layers}, origin


def _row(layer: dict[str, Any], repeat: int) -> list[dict[str, Any]]:
    """Layers like this one, one behind another; where it has no depth, itself, to be refused."""
    start, end = layer.get("z_min_mm"), layer.get("z_max_mm")
    if not isinstance(start, int | float) or not isinstance(end, int | float):
        return [layer]
    # rounded, so that 45 layers of 3.4 mm end where the last slab does
    edges = [round(start + k * (end - start), 9) for k in range(repeat + 1)]
    return [{**layer, "z_min_mm": edges[k], "z_max_mm": edges[k + 1]} for k in range(repeat)]


class _Dumper(yaml.SafeDumper):
    """YAML that writes each value out, even if it is there twice."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002
        return True


def dump_yaml(values: dict[str, Any]) -> str:
    """Write plain values of a calorimeter as YAML, as short as they can be read back.

    A line for each sub-layer and each readout layer; equal readout layers one behind another are
    one with `repeat`.
    """
    sections = [
        {
            "repeat": section["repeat"],
            "sublayers": [
                {key: value for key, value in sub.items() if (key, value) != ("active", False)}
                for sub in section["sublayers"]
            ],
        }
        for section in values["sections"]
    ]
    short = {
        "name": values["name"],
        "half_size_mm": values["half_size_mm"],
        "materials": values["materials"],
        "sections": sections,
        "layers": _joined(values["layers"]),
    }
    if not short["materials"]:
        del short["materials"]
    text: str = yaml.dump(
        short,
        Dumper=_Dumper,
        sort_keys=False,
        default_flow_style=None,
        width=100,
        allow_unicode=True,
    )
    return text


def _joined(layers: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Undo `expand_layers`, where that gives the same layers to the last digit."""
    found: list[dict[str, Any]] = []
    k = 0
    while k < len(layers):
        first, n = layers[k], 1
        while k + n < len(layers) and _row(first, n + 1)[n:] == [layers[k + n]]:
            n += 1
        if n > 1 and _row(first, n) == layers[k : k + n]:
            found.append({"repeat": n, **first})
        else:
            n = 1
            found.append(first)
        k += n
    return found
