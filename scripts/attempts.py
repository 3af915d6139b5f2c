"""Tells what became of a hostile plugin's attempts on its host: attempts.py REPORT RECORD.

REPORT is what `corral run --report` wrote, RECORD what the host (examples/hostile/host.py) received.
One line for each attempt: DENIED, the rule and why, or SUCCEEDED where the relay refused nothing of
the kind or something of it reached the host. Exits 0 only if every one was denied.
"""

import json
import sys

# What the attempt is called, the rule that has to refuse it, how often at least, and what must not be
# in any message that reached the host.
ATTEMPTS = [
    ("a forbidden method", "call", 1, "attempt/exec"),
    ("a second registration", "registered", 1, '"name": "attempt"'),
    ("another plugin's name", "identity", 1, '"name": "attempt"'),
    ("an id never asked", "pending", 1, "4711"),
    ("a 4 GiB length", "frame-size", 1, '"attempt"}'),
    ("duplicate keys", "json", 1, '"params": {"name": "good"}, '),
    ("a descriptor", "descriptor", 1, None),
    # So many may come at once, and some more meanwhile.
    ("a flood", "rate", 100, "attempt/flood"),
]


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        refusals = {entry["rule"]: entry for entry in json.load(file)["relay"]["refusals"]}
    with open(sys.argv[2], encoding="utf-8") as file:
        record = [json.loads(line) for line in file]
    messages = [entry["message"] for entry in record if "message" in entry]
    descriptors = sum(entry.get("descriptors", 0) for entry in record)
    succeeded = 0
    for name, rule, least, text in ATTEMPTS:
        refusal = refusals.get(rule, {"count": 0})
        arrived = descriptors > 0 if text is None else any(text in message for message in messages)
        if arrived or refusal["count"] < least:
            succeeded += 1
            print(f"{name}: SUCCEEDED")
        else:
            times = f", {refusal['count']} times" if least > 1 else ""
            print(f"{name}: DENIED {rule} — {refusal['first']}{times}")
    # What may pass has to: a host that heard nothing would show nothing.
    for text in ['"name": "good"', '"pong": true']:
        if not any(text in message for message in messages):
            sys.exit(f"attempts: the host did not receive {text}")
    sys.exit(1 if succeeded else 0)


if __name__ == "__main__":
    main()
