"""Golden files as safetensors: integers as they are, everything else in fp32."""
import json
import struct

import numpy


def write_safetensors(path, arrays, metadata):
    header, data = {"__metadata__": metadata}, b""
    for name, tensor in arrays.items():
        array = tensor.detach().numpy()
        whole = array.dtype == numpy.int64
        raw = array.astype("<i8" if whole else "<f4").tobytes()
        header[name] = {"dtype": "I64" if whole else "F32", "shape": list(array.shape),
                        "data_offsets": [len(data), len(data) + len(raw)]}
        data += raw
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)
