"""A sample program for `codebench/command`: reads a job, answers metrics. Python 3 without packages.

It trains nothing: it scores a CNN by its size, so that the example runs at once. A real one builds the network of
`job["workload"]["layers"]` in its own framework, trains it on `job["data"]` with `job["recipe"]` and `job["seed"]`, and
answers what it measured. What it wants to say meanwhile goes to standard error.
"""

import json
import sys


def main():
    job = json.load(sys.stdin)
    layers = job["workload"]["layers"]
    parameters = sum(layer["parameters"] for layer in layers)
    macs = sum(layer["macs"] for layer in layers)
    if parameters > 1_000_000:
        # A candidate that cannot be run is a result of the search, not a failure.
        json.dump({"infeasible": f"{parameters} parameters; this program takes at most 1000000"}, sys.stdout)
        return
    # More parameters help ever less; depth helps a little.
    accuracy = parameters / (parameters + 5_000.0) - 0.2 / len(layers)
    values = {"validation_accuracy": accuracy, "parameters": parameters, "macs": macs}
    json.dump({"values": values, "per_layer": {"macs": [layer["macs"] for layer in layers]}}, sys.stdout)


if __name__ == "__main__":
    main()
