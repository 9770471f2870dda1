"""Opens a trace with the libraries people use, as it is, and prints what each saw as JSON. For trace_test.cpp."""
import json
import sys

import h5py
import pandas
import xarray

path = sys.argv[1]
seen = {}

with h5py.File(path, "r") as trace:
    tokens = trace["tokens"]
    columns = {name: tokens[name][:] for name in tokens}
    seen["h5py_columns"] = len(columns)
    seen["described"] = all("units" in c.attrs and "long_name" in c.attrs
                            for group in trace.values() for c in group.values())
    seen["scaled"] = all(c.dims[0][0].name == c.parent.name + "/row" for group in trace.values()
                         for name, c in group.items() if name != "row")
    seen["hash"] = trace["documents/hash"].asstr()[0]
    seen["domains"] = [name.decode() if isinstance(name, bytes) else name for name in trace.attrs["domains"]]
    seen["configuration"] = json.loads(trace.attrs["configuration"])
    seen["schema"] = int(trace.attrs["schema"])

frame = pandas.DataFrame(columns)
seen["pandas_nats"] = float(frame.groupby("document").nll_base.sum().iloc[0])

with xarray.open_dataset(path, group="tokens", engine="h5netcdf") as tokens:
    seen["xarray_dimensions"] = list(tokens.sizes)
    seen["xarray_nats"] = float(tokens.nll_base.astype("float64").sum())
    seen["xarray_units"] = tokens.nll_base.attrs["units"]
with xarray.open_dataset(path, group="documents", engine="h5netcdf") as documents:
    seen["xarray_documents"] = int(documents.sizes["row"])
    seen["xarray_bytes"] = int(documents.bytes.sum())
with xarray.open_dataset(path, engine="h5netcdf") as root:
    seen["xarray_split"] = root.attrs["split"]

print(json.dumps(seen))
