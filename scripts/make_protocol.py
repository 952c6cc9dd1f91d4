"""Compile the messages of the server from their .proto files; needs grpcio-tools.

python scripts/make_protocol.py
python scripts/make_protocol.py --check    # is what is committed in step?
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from google.protobuf import descriptor_pb2
from grpc_tools import protoc

FOLDER = Path(__file__).parents[1] / "src" / "calogan" / "serving" / "protocol"
SOURCES = ("health.proto", "open_inference.proto")


def compiled() -> bytes:
    """Descriptors of all messages, as they are committed."""
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / "descriptors.bin"
        status = protoc.main(
            ["protoc", f"-I{FOLDER}", f"--descriptor_set_out={output}", *SOURCES],
        )
        if status:
            raise SystemExit(status)
        described = descriptor_pb2.FileDescriptorSet.FromString(output.read_bytes())
    content: bytes = described.SerializeToString(deterministic=True)
    return content


def main() -> None:
    """Write the descriptors, or compare them with what is there."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; status 1 if stale")
    options = parser.parse_args()
    target, content = FOLDER / "descriptors.bin", compiled()
    if options.check:
        if target.read_bytes() != content:
            msg = f"{target.name} is stale: run python scripts/make_protocol.py"
            raise SystemExit(msg)
        return
    target.write_bytes(content)
    print(f"{target.name}: {len(content)} bytes")


if __name__ == "__main__":
    main()
