# Copyright the onepasswordbeat authors.
# SPDX-License-Identifier: Apache-2.0

# Runs EQL queries on events. Each line of the input is a JSON object {"query": text, "events": [{"id", "time", "fields"}]}
# with times in seconds, in their order; the answer is a line with the ids of the events of each match.

import json
import sys

import eql

TICKS = 10_000_000  # the engine counts in units of 100 ns


def nested(fields):
    """Fields by dotted names as the objects in which the engine looks for them."""
    data = {}
    for name, value in fields.items():
        at = data
        *parents, last = name.split(".")
        for parent in parents:
            at = at.setdefault(parent, {})
        at[last] = value
    return data


def run(query, events):
    matches = []
    engine = eql.PythonEngine({})
    engine.add_output_hook(lambda result: matches.append([e.data["id"] for e in result.events]))
    with eql.parser.elasticsearch_syntax:
        engine.add_query(eql.parse_query(query))
    engine.stream_events(eql.Event("any", int(e["time"] * TICKS), dict(nested(e["fields"]), id=e["id"])) for e in events)
    return matches


for line in sys.stdin:
    case = json.loads(line)
    try:
        answer = {"matches": run(case["query"], case["events"])}
    except eql.EqlError as error:
        answer = {"error": str(error)}
    print(json.dumps(answer), flush=True)
