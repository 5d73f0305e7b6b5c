"""The bank in GIFT, the text format that Moodle and others import.

Its grammar, as far as it is used here: questions with an empty line between
them, none inside; `::name::[html]text{ =right ~wrong ... ####why }`; and a
backslash before each of `~ = # { } :` and before itself that is meant as a
character.
"""

import html
import re

from markdown import inline


def export(questions):
    """The whole file. Each chapter has a category of its own."""
    out, chapter = ["// Made by tests/teacher/build. Answers included."], None
    for question in questions:
        if question.chapter != chapter:
            chapter = question.chapter
            out.append(f"$CATEGORY: $course$/top/Pillarbox/Chapter {chapter}")
        out.append(one(question))
    return "\n\n".join(out) + "\n"


def one(question):
    text = f"<p>{inline(question.text)}</p>"
    if question.talk:
        talk = "<br>".join(html.escape(line, quote=False) for line in question.talk)
        text += f"<p><code>{talk}</code></p>"
    lines = [f"::{plain(question.name)}::[html]{plain(text)}{{"]
    for answer in question.answers():
        mark = "=" if answer == question.right else "~"
        lines.append(f"{mark}{plain(html.escape(answer, quote=False))}")
    lines.append(f"####{plain(inline(question.why))}")
    return "\n".join([*lines, "}"])


def plain(text):
    """With a backslash before each character that has a meaning in GIFT."""
    text = re.sub(r"([\\~=#{}:])", r"\\\1", text)
    return " ".join(text.split())
