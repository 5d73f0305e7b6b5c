"""The slides of a chapter, made of its page.

Interface:
  `chapters`  number, title and page of each chapter
  `slides`    the slides of one
  `deck`      all of them as one HTML file, with pictures, style and script

Each slide has one thing: the goals, a dialogue, a picture, a piece of code, or
a question. What the page says of it is in the notes.
"""

import base64
import html
import re
from dataclasses import dataclass
from pathlib import Path

from markdown import ROOT, Part, inline, read, to_html, with_blocks

HERE = Path(__file__).resolve().parent
BOOK = ROOT / "book" / "src"
ANSWERS = BOOK / "appendix" / "instructor-answers.md"
# A slide holds no more lines of a dialogue: then another one begins.
MOST_LINES = 20
TURN = r"C\d?[:>]|#|\(mailbox"
FOR_JUDGES = ("(also right: ", "(passed with: ")
MARKS = {"C": "client", "S": "server", "M": "stored", "#": "note", "(": "stage"}


@dataclass
class Slide:
    kind: str
    title: str
    body: str
    notes: str = ""


def chapters():
    """(4, "The state machine", its page), and so on."""
    summary = (BOOK / "SUMMARY.md").read_text()
    found = re.findall(r"- \[(\d+)\. (.+?)\]\((.+?)\)", summary)
    return [(int(number), title, BOOK / name) for number, title, name in found]


def slides(number, title, page):
    """All slides of a chapter, in the order of a lesson."""
    parts = read(page)
    goals = next(part for part in parts if part.kind == "list")
    made = [
        Slide("title", f"{number}. {title}", first_words(parts), plan(parts)),
        Slide("goals", "You will be able to", to_html(goals)),
    ]
    made += shown(page, parts)
    made += questions(title, parts)
    made += predictions(parts)
    return made + homework(parts)


def first_words(parts):
    """What a chapter begins with, for the title's slide."""
    text = next(part.text for part in parts if part.kind == "text")
    if text.endswith(":"):
        text = text.rpartition(". ")[0] + "."
    return f"<p>{inline(text)}</p>"


def instructor(parts):
    return [part for part in parts if part.fold == "For the instructor"]


def prompts(parts, word):
    """What follows `- Ask:` and so on in the notes for the instructor."""
    items = [item for part in instructor(parts) for item in part.items]
    start = f"{word}: "
    return [item[len(start) :] for item in items if item.startswith(start)]


def plan(parts):
    """The minutes, the demonstrations and the traps: for the teacher alone."""
    notes = [to_html(part) for part in instructor(parts) if part.kind == "text"]
    for word, heading in ("Demo", "Demonstrations"), ("Trap", "Traps"):
        items = "".join(f"<li>{with_blocks(i)}</li>" for i in prompts(parts, word))
        notes.append(f"<h3>{heading}</h3><ul>{items}</ul>")
    return "".join(notes)


def shown(page, parts):
    """A slide for each dialogue, picture and excerpt, in the page's order."""
    made, heading, exercises = [], "", False
    # The slides that the page speaks of next: a dialogue and its picture.
    group, is_told = [], True
    for part in parts:
        if part.kind == "heading":
            heading = part.text
            exercises = exercises or (part.level == 2 and heading == "Exercises")
        if exercises or part.fold:
            continue
        new = one_shown(page, heading, part)
        if new:
            group, is_told = new if is_told else group + new, False
            made += new
        elif part.kind in ("text", "list", "table"):
            is_path = re.fullmatch(r"`[\w/.-]+`", part.text.strip())
            is_told = is_told or not is_path
            for slide in () if is_path else group:
                slide.notes += to_html(part)
    return made


def one_shown(page, heading, part):
    """The slides of one part, if it is something to show."""
    if part.kind == "picture":
        return picture(page, heading, part)
    if part.kind == "quote":
        return [Slide("quote", "What the RFC says", to_html(part))]
    if part.kind == "code" and part.source.startswith(("transcripts", "book")):
        return dialogue(part)
    if part.kind == "code" and part.source.startswith("src"):
        body = f"<pre class='code'>{html.escape(part.text)}</pre>"
        return [Slide("code", part.source, body)]
    return []


def picture(page, heading, part):
    """The picture itself is in the file, so that a deck can be sent. A ladder
    that is higher than wide would be too small; its dialogue says the same."""
    svg = (page.parent / part.info).read_bytes()
    width, height = re.search(rb'viewBox="0 0 (\d+) (\d+)"', svg).groups()
    if "/ladder-" in part.info and int(height) > int(width) * 0.75:
        return []
    data = base64.b64encode(svg).decode()
    alt = html.escape(" ".join(part.text.split()))
    body = f"<img alt='{alt}' src='data:image/svg+xml;base64,{data}'>"
    return [Slide("picture", inline(heading), body, f"<p>{alt}</p>")]


def dialogue(part):
    """A transcript without its head, on as many slides as it needs."""
    head, _, talk = part.text.partition("\n\n")
    title = re.search(r"(?m)^Title: (.*)", head)
    lines = talk.strip("\n").splitlines()
    # What other servers may say is for the judge, not for the class.
    pieces = cut([line for line in lines if not line.startswith(FOR_JUDGES)])
    made = []
    for number, lines in enumerate(pieces, 1):
        count = f" ({number} of {len(pieces)})" if len(pieces) > 1 else ""
        name = html.escape(title[1] if title else part.source) + count
        body = "".join(marked(line) for line in lines)
        body = f"<pre class='talk'>{body}</pre>"
        made.append(Slide("dialogue", name, body, f"<p><code>{part.source}</code></p>"))
    return made


def cut(lines):
    """Pieces of about the same length, at most `MOST_LINES` each. Where it can,
    one begins where the client speaks, or where a mailbox is looked into."""
    count = -(-len(lines) // MOST_LINES)
    length = len(lines) / count
    pieces = [[]]
    for at, line in enumerate(lines):
        before = lines[at - 1] if at else ""
        is_turn = re.match(TURN, line) and not re.match(TURN, before)
        is_due = len(pieces[-1]) >= length - 4 and len(pieces) < count
        if (is_turn and is_due) or len(pieces[-1]) == MOST_LINES:
            pieces.append([])
        pieces[-1].append(line)
    return pieces


def marked(line):
    """A line with its speaker as its class."""
    name = MARKS.get(line[:1], "")
    shortened = line if len(line) < 110 else line[:104] + " ..."
    return f"<span class='{name}'>{html.escape(shortened)}</span>"


def questions(title, parts):
    """What the teacher asks, as the instructor's page has it, which answers
    it. What to do meanwhile, the chapter says."""
    made, here = [], False
    asked = prompts(parts, "Ask")
    for part in read(ANSWERS):
        if part.kind == "heading":
            here = part.text == title
        for item in part.items if here else ():
            question, told = item[2:].split("**", 1)
            question = question[0].upper() + question[1:]
            notes = with_blocks(asked[len(made)]) + with_blocks(told)
            body = f"<p>{inline(question)}</p>"
            made.append(Slide("question", "Question", body, notes))
    return made


def predictions(parts):
    """The questions of "Predict", and their answers in the notes."""
    made = []
    for part in parts:
        found = re.match(r"\*\*(\d)\.\*\* ", part.text)
        if part.kind == "text" and found and not part.fold:
            asked = part.text[found.end() :]
            made.append(Slide("question", f"Predict {found[1]}",
                              f"<p>{inline(asked)}</p>"))
        elif made and part.fold == "Answer":
            made[-1].notes += to_html(part)
        elif made and not part.fold and part.kind == "code" and not made[-1].notes:
            made[-1].body += to_html(part)
        elif made and part.kind == "heading":
            break
    return made


def homework(parts):
    """The exercises, by their headings."""
    names = [part.text for part in parts
             if part.kind == "heading" and part.text.startswith("Exercise ")]
    items = "".join(f"<li>{inline(name.replace('Exercise ', ''))}</li>" for name in names)
    return [Slide("homework", "At home", f"<ul>{items}</ul>")]


def deck(number, title, made):
    """One HTML file that needs no other."""
    sections = []
    for slide in made:
        level = "h1" if slide.kind == "title" else "h2"
        sections.append(
            f"<section class='{slide.kind}'>\n<div class='slide'>\n"
            f"<{level}>{slide.title}</{level}>\n{slide.body}\n</div>\n"
            f"<aside class='notes'>{slide.notes}</aside>\n</section>"
        )
    style = (HERE / "slides.css").read_text()
    script = (HERE / "slides.js").read_text()
    return (
        f"<!doctype html>\n<html lang='en'>\n<meta charset='utf-8'>\n"
        f"<meta name='viewport' content='width=device-width'>\n"
        f"<title>{number}. {html.escape(title)} (Pillarbox)</title>\n"
        f"<style>\n{style}</style>\n<main>\n"
        + "\n".join(sections)
        + f"\n</main>\n<script>\n{script}</script>\n</html>\n"
    )
