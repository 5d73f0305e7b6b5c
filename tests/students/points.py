"""Makes points of a report, for the platforms that count them:

    pillarbox replay --run '...' --report junit --out report.xml transcripts
    python3 points.py gradescope report.xml [TEXT...] > results.json
    python3 points.py github report.xml >> "$GITHUB_STEP_SUMMARY"

Each `must` that was judged is one point; `should` and `may` are shown, and give
none. What depends on something that does not work is lost, and stays in the
maximum. So with `--extensions` the maximum is the same for a whole class.

`gradescope` writes results.json; the TEXT files, such as what a compiler said,
are shown above the tests. `github` writes a page in Markdown; on standard error
it tells GitHub Classroom the points, in the words of its own reporter.
"""

import json
import sys
import xml.etree.ElementTree as xml


class Test:
    """One transcript of the report."""

    def __init__(self, case):
        self.name, self.level = case.get("name"), case.get("classname")
        failure, skipped = case.find("failure"), case.find("skipped")
        reason = "" if skipped is None else skipped.get("message")
        self.is_weak = reason.startswith("weak: ")
        self.is_skipped = skipped is not None and not self.is_weak
        self.passed = failure is None and skipped is None
        self.most = 1 if self.level == "must" and not self.is_skipped else 0
        self.points = self.most if self.passed else 0
        if failure is None:
            self.text = reason
        else:
            self.text = failure.text or failure.get("message")


def read(path):
    suite = xml.parse(path).getroot()
    tests = [Test(case) for case in suite.iter("testcase")]
    judge = suite.find("properties/property[@name='judge']").get("value")
    seconds = float(suite.get("time"))
    return [test for test in tests if not test.is_skipped], judge, seconds


def text_of(path):
    with open(path, encoding="utf-8", errors="replace") as file:
        return file.read()


def gradescope(report, *texts):
    tests, judge, seconds = read(report)
    above = [f"Judged by {judge}."] + [text_of(path) for path in texts]
    results = {
        "execution_time": round(seconds),
        "output": "\n".join(text for text in above if text),
        "stdout_visibility": "hidden",
        "tests": [
            {
                "name": f"{test.name} ({test.level})",
                "score": test.points,
                "max_score": test.most,
                "status": "passed" if test.passed else "failed",
                "output": test.text,
                "visibility": "visible",
            }
            for test in tests
        ],
    }
    json.dump(results, sys.stdout, indent=2)
    print()


def github(report):
    tests, judge, _ = read(report)
    points = sum(test.points for test in tests)
    most = sum(test.most for test in tests)
    print(f"## {points} of {most} points\n\nJudged by {judge}.\n")
    for test in tests:
        if not test.passed:
            print(f"<details><summary>{test.name} ({test.level})</summary>\n")
            # A code block that no line of the report can end.
            print("\n".join(f"    {line}" for line in test.text.splitlines()))
            print("\n</details>\n")
    passed = [test.name for test in tests if test.passed]
    print(f"{len(passed)} passed: {', '.join(passed)}.")
    sums = json.dumps({"totalPoints": points, "maxPoints": most})
    words = f"::notice title=Autograding complete::Points {points}/{most}"
    print(words, file=sys.stderr)
    print(f"::notice title=Autograding report::{sums}", file=sys.stderr)


platform, report, *texts = sys.argv[1:]
{"gradescope": gradescope, "github": github}[platform](report, *texts)
