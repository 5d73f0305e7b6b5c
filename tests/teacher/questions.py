"""A bank of questions, made of the state table, the reply table and the
transcripts. Each has one right answer and three wrong ones.

Interface:
  `Question`
  `bank`   all questions, by chapter and name
  `sheet`  those of one student: the same seed gives the same sheet

The wrong answers are neighbours of the right one: what the same command gets
in another state, what another command gets in this state, the code beside it.
Nothing here is decided by chance, nor by the version of Python: what a seed
chooses is told by a hash.
"""

import hashlib
import html
import re
from dataclasses import dataclass

import dialogues
from markdown import ROOT, cells, read

BOOK = ROOT / "book" / "src"
STATES = ["Connected", "Greeted", "Mail", "Mail*", "Rcpt"]
# Rows in which the next state is worth a question: where it may change.
STEPS = {"EHLO", "HELO", "EHLO wrong", "MAIL", "MAIL wrong", "RCPT",
         "RCPT refused", "DATA", "RSET", "QUIT", "NOOP"}
CLASSES = {
    2: "It goes on with the next step.",
    3: "It sends what the server is waiting for.",
    4: "It keeps the mail, and tries again later.",
    5: "It gives up, and tells its user.",
}


@dataclass
class Question:
    name: str
    chapter: int
    text: str  # in the Markdown of the book
    talk: tuple  # lines of a dialogue or one command, as they are
    right: str
    wrong: tuple
    why: str  # in the Markdown of the book

    def subjects(self):
        """What it is about: a cell of the state table, or a transcript and a step.

        Many transcripts take the same step: a dot, and 250. One of them is enough
        for a student.
        """
        kind, name = self.name.split(": ", 1)
        if kind != "talk":
            return {name}
        said = [line for line in self.talk if line.startswith("C: ")]
        verb = said[-1].split()[1] if said else ""
        return {name.rsplit(":", 1)[0], (verb, self.right)}

    def answers(self, seed=""):
        """All answers, in the order of this seed."""
        mixed = [self.right, *self.wrong]
        return sorted(mixed, key=lambda answer: digest(seed, self.name, answer))


def digest(*words):
    return hashlib.sha256("\0".join(words).encode()).hexdigest()


def bank():
    """Every question, each of its own name."""
    made = state_questions() + reply_questions() + talk_questions()
    return sorted(made, key=lambda question: (question.chapter, question.name))


def sheet(questions, seed, count):
    """`count` questions, spread over the chapters, for one seed."""
    by_chapter = {}
    for question in sorted(questions, key=lambda q: digest(seed, q.name)):
        by_chapter.setdefault(question.chapter, []).append(question)
    chosen, later, subjects = [], [], set()
    while any(by_chapter.values()):
        for chapter in sorted(by_chapter):
            if by_chapter[chapter]:
                question = by_chapter[chapter].pop(0)
                is_new = subjects.isdisjoint(question.subjects())
                (chosen if is_new else later).append(question)
                subjects |= question.subjects()
    # Two about the same thing only if there is nothing else.
    chosen = (chosen + later)[:count]
    return sorted(chosen, key=lambda q: (q.chapter, digest(seed, q.name)))


def table(path):
    """The rows of the tables of a generated page."""
    lines = (BOOK / path).read_text().splitlines()
    rows = [cells(line) for line in lines if line.startswith("|")]
    return [row for row in rows if not row[0].startswith("---")]


def outcomes():
    """{row: (line, {state: (code, next state)})} of the state table."""
    head, *rows = table("generated/state-table.md")
    made = {}
    for name, *row in rows:
        line = re.search(r"`(.*)`", name)[1]
        name = name.split("<br>")[0].strip("`")
        made[name] = line, {}
        for state, cell in zip(head[1:], row):
            code = re.search(r"\d{3}", cell)
            after = re.search(r"→ (\w+)", cell)
            if code:
                made[name][1][state] = code[0], after[1] if after else state
    return made


def situations():
    """What has happened in each state, in the words of chapter 4."""
    page = read(BOOK / "04-the-state-machine.md")
    rows = next(p.items for p in page if p.kind == "table" and p.items[0][0] == "state")
    told = {name: what for name, what, _ in rows[1:]}
    told["Mail*"] = f"{told['Mail']}, and each recipient so far was refused"
    return told


def state_questions():
    """State and line: which code, and which state next?"""
    all_rows, told, made = outcomes(), situations(), []
    for row, (line, by_state) in all_rows.items():
        for state in STATES:
            code, after = by_state[state]
            where = f"A session is in the state {state}: {told[state]}."
            name = f"{row} in {state}"
            why = f"Row {row}, column `{state}` of the state table (appendix)."
            wrong = near_codes(code, neighbours(all_rows, row, state))
            made.append(Question(
                f"state: {name}", 4, f"{where} What is the code of the reply to "
                "this line?", (f"C: {line}",), code, wrong, why))
            if row in STEPS:
                wrong = near_states(after, state, by_state)
                made.append(Question(
                    f"next: {name}", 4, f"{where} In which state is it after the "
                    "reply to this line?", (f"C: {line}",), after.replace("*", ""),
                    wrong, f"{why} The reply is {code}."))
    return made


def neighbours(all_rows, row, state):
    """First the same command in other states, then this state's other rows."""
    same = [code for code, _ in all_rows[row][1].values()]
    verb = row.split()[0]
    family = [by[state][0] for name, (_, by) in all_rows.items() if name.split()[0] == verb]
    others = [by[state][0] for _, by in all_rows.values()]
    return same + family + ["503", "501", "250"] + others


def near_codes(right, candidates):
    """Three other codes, the nearest first."""
    pool = candidates + ["500", "502", "550", "354", "451"]
    return tuple(list(dict.fromkeys(c for c in pool if c != right))[:3])


def near_states(right, state, by_state):
    """Three other states: where it was, where this command leads elsewhere."""
    pool = [state, *(after for _, after in by_state.values()),
            "Greeted", "Mail", "Rcpt", "Data", "Closed", "Connected"]
    pool = [name.replace("*", "") for name in pool]
    right = right.replace("*", "")
    return tuple(list(dict.fromkeys(s for s in pool if s != right))[:3])


def replies():
    """(code, text, rule, name) of each row of the reply table."""
    for code, text, rule, *_ in table("generated/reply-table.md"):
        if code[:3].isdigit():
            words = re.findall(r"`(.*?)`", text)
            rule, name = rule.rsplit("<br>", 1)
            rule = html.unescape(re.sub(r"\[(.*?)\]\(.*?\)", r"\1", rule))
            yield code[:3], words[0] if words else "", rule, name.strip("`")


def reply_questions():
    """Which code fits this rule, and what does a client do after it?"""
    rows, made = list(replies()), []
    codes = sorted({code for code, *_ in rows})
    for code, text, rule, name in rows:
        said, _, section = rule.rpartition(" (")
        alike = {c for c, _, r, _ in rows if r == rule}
        near = [c for c in beside(code, codes) if c not in alike]
        is_told = code in said or [n for n in made if n.text.endswith(f"“{said}”")]
        if not is_told:
            made.append(Question(
                f"rule: {name}", 2, "A server answers by this rule. Which "
                f"code is it? “{said}”", (), code, tuple(near[:3]), f"({section}"))
        line = f"S: {code} {text}".replace("{host}", "mx.example.org")
        kind = int(code[0])
        wrong = tuple(what for k, what in CLASSES.items() if k != kind)
        # The second digit 5: it is about mail, and not about a word.
        is_about_mail = kind > 2 and code[1] == "5"
        if is_about_mail and not [n for n in made if n.talk == (line,)]:
            made.append(Question(
                f"then: {name}", 2, "The server answers this to a command. What "
                "does the client do about the mail?", (line,), CLASSES[kind], wrong,
                f"The first digit decides. {rule}"))
    return made


def beside(code, codes):
    """Other codes: the same digits in another class, then the nearest."""
    def distance(other):
        is_twin = other[1:] == code[1:]
        is_kin = other[0] == code[0]
        return (not is_twin, not is_kin, abs(int(other) - int(code)))

    return sorted((c for c in codes if c != code), key=distance)


def talk_questions():
    """A dialogue up to a reply: which code comes now?"""
    made = []
    for gap in dialogues.gaps():
        family = dialogues.CODES_OF.get(gap.verb, [])
        rest = ["250", "503", "501", "550", "500", "354", "451", "221"]
        pool = [c for c in family + rest if not gap.is_right(c)]
        wrong = tuple(list(dict.fromkeys(pool))[:3])
        if len(wrong) < 3:
            continue  # nearly every answer would be right
        made.append(Question(
            f"talk: {gap.path}:{gap.line}", gap.stage, "Which code belongs in "
            "the place of the question marks?", gap.talk, gap.code, wrong,
            f"{gap.title}. ({gap.spec}) `{gap.path}`, line {gap.line}"))
    return made
