"""Makes Gradescope's results.json of a report:

    pillarbox replay --run '...' --report tsv --out report.tsv transcripts
    python3 gradescope.py report.tsv > results.json

Each `must` is one point. `should` and `may` are shown, and give none.
"""

import csv
import json
import sys

with open(sys.argv[1], newline="", encoding="utf-8") as report:
    rows = list(csv.DictReader(report, delimiter="\t", quoting=csv.QUOTE_NONE))

tests = []
for row in rows:
    if row["verdict"] == "skip":
        continue
    points = 1 if row["level"] == "must" else 0
    passed = row["verdict"] == "pass"
    tests.append({
        "name": f"{row['title']} ({row['level']})",
        "score": points if passed else 0,
        "max_score": points,
        "status": "passed" if passed else "failed",
        "output": "" if passed else
                  f"{row['file']}:{row['line']}: {row['reason']}\n{row['spec']}",
    })

json.dump({"tests": tests}, sys.stdout, indent=2)
