"""The tables of measurements: one row for each run, oldest first.

A table is tests/figures/NAME.tsv. Its first row says what the columns are
called. The first three are the date (UTC), the commit that was measured (with
a plus sign if the program was not as it says), and the kernel. The book's page
of figures is made from these tables.

    append  adds a row; one that has other columns is refused
    commit  what is measured; a long run asks before it begins
    total   what a column adds up to, in the rows that are meant

If PILLARBOX names a program that was built elsewhere, PILLARBOX_COMMIT must say
from which commit; without it there is no row.
"""

import datetime
import fcntl
import os
import platform
import subprocess

HERE = os.path.dirname(os.path.abspath(__file__))


def append(table, columns):
    row = {
        "date": datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d"),
        "commit": commit(),
        "kernel": platform.release(),
    }
    row.update((name, str(value)) for name, value in columns.items())
    if any(c in value for value in row.values() for c in "\t\n"):
        raise SystemExit("a value has a tab or the end of a line")
    head = "\t".join(row)
    with open(path_of(table), "a+", encoding="utf-8") as file:
        # Several runs may append at the same time: one after the other.
        fcntl.flock(file, fcntl.LOCK_EX)
        file.seek(0)
        first = file.readline().rstrip("\n")
        if first and first != head:
            raise SystemExit(f"the columns of {table} are {first}")
        line = "\t".join(row.values()) + "\n"
        file.write(line if first else head + "\n" + line)


def total(table, column, **meant):
    """Adds up a column in the rows where others have the values that are
    meant. A table that is not there has no rows."""
    try:
        with open(path_of(table), encoding="utf-8") as file:
            head, *lines = file.read().splitlines()
    except FileNotFoundError:
        return 0
    rows = [dict(zip(head.split("\t"), line.split("\t"))) for line in lines]
    return sum(
        int(row[column])
        for row in rows
        if all(row[name] == value for name, value in meant.items())
    )


def path_of(table):
    return os.path.join(HERE, table + ".tsv")


def commit():
    if "PILLARBOX" in os.environ:
        known = os.environ.get("PILLARBOX_COMMIT")
        if not known:
            raise SystemExit("PILLARBOX is set, PILLARBOX_COMMIT is missing")
        return known
    # What is measured is the program: a page of the book is no change.
    changes = git("status", "--porcelain", "--", ":/src", ":/Cargo.*")
    return git("rev-parse", "--short=9", "HEAD") + ("+" if changes else "")


def git(*words):
    command = ["git", *words]
    return subprocess.run(
        command, cwd=HERE, capture_output=True, text=True, check=True
    ).stdout.strip()
