"""Sheets of questions to print, one for each student, and a page of answers.

The seed of a sheet is the name of the examination and of the student: the same
two give the same sheet, on any machine.
"""

import html
from pathlib import Path

from markdown import inline
from questions import sheet

HERE = Path(__file__).resolve().parent
LETTERS = "abcd"


def seed(exam, student):
    return f"{exam}/{student}"


def page(title, body):
    style = (HERE / "sheets.css").read_text()
    return (
        f"<!doctype html>\n<html lang='en'>\n<meta charset='utf-8'>\n"
        f"<title>{html.escape(title)}</title>\n<style>\n{style}</style>\n"
        f"<body>\n{body}\n</body>\n</html>\n"
    )


def questions_page(bank, exam, students, count):
    """All sheets, each beginning on a page of its own."""
    body = "\n".join(one_sheet(bank, exam, name, count) for name in students)
    return page(f"{exam}: questions", body)


def one_sheet(bank, exam, student, count):
    own = seed(exam, student)
    asked = sheet(bank, own, count)
    items = "\n".join(item(question, own) for question in asked)
    return (
        f"<section>\n<h1>{html.escape(exam)}</h1>\n"
        f"<p class='name'>Name: <b>{html.escape(student)}</b></p>\n"
        f"<p>Each question has one right answer.</p>\n<ol>\n{items}\n</ol>\n</section>"
    )


def item(question, own):
    talk = html.escape("\n".join(question.talk))
    talk = f"<pre>{talk}</pre>" if talk else ""
    choices = "".join(
        f"<li><span class='box'></span>{letter}) {html.escape(answer)}</li>"
        for letter, answer in zip(LETTERS, question.answers(own))
    )
    length = "long" if max(map(len, question.answers())) > 12 else "short"
    return (
        f"<li class='question'><p>{inline(question.text)}</p>{talk}"
        f"<ul class='{length}'>{choices}</ul></li>"
    )


def answers_page(bank, exam, students, count):
    """For the teacher: the letters of each student, then the reasons."""
    numbers = "".join(f"<th>{n}</th>" for n in range(1, count + 1))
    rows = [f"<tr><th>student</th>{numbers}</tr>"]
    reasons = []
    for student in students:
        own = seed(exam, student)
        asked = sheet(bank, own, count)
        letters = [LETTERS[q.answers(own).index(q.right)] for q in asked]
        letters = "".join(f"<td>{letter}</td>" for letter in letters)
        rows.append(f"<tr><th>{html.escape(student)}</th>{letters}</tr>")
        why = "".join(
            f"<li><b>{html.escape(q.right)}</b> {inline(q.why)}</li>" for q in asked
        )
        reasons.append(f"<h2>{html.escape(student)}</h2><ol>{why}</ol>")
    body = (
        f"<section><h1>{html.escape(exam)}: answers</h1>"
        f"<p>For the teacher only.</p><table>{''.join(rows)}</table>"
        f"{''.join(reasons)}</section>"
    )
    return page(f"{exam}: answers", body)
