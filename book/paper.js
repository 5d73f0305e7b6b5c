// The whole book on paper (print.html): contents first, answers in an appendix,
// the notes for instructors apart. The other scripts have run before this one.

'use strict';

// What is asked on the page, and who asks it: the last heading and question
// before a folded part.
function placeOf(details, headings) {
    const before = headings.filter((heading) => heading.compareDocumentPosition(details) & Node.DOCUMENT_POSITION_FOLLOWING);
    const chapter = before.filter((heading) => heading.matches('h1')).at(-1);
    const section = before.at(-1);
    let question = details.previousElementSibling;
    while (question && !/^\d+\./.test(question.textContent) && !question.matches('h1, h2, h3, details')) question = question.previousElementSibling;
    const number = /^\d+\./.exec(question?.textContent ?? '')?.[0];
    const goal = details.closest('li')?.querySelector(':scope > span')?.textContent;
    if (goal) return { chapter, words: goal };
    return { chapter, words: number ? `Question ${number.slice(0, -1)}` : section.textContent.trim() };
}

// Moves folded parts to a chapter of their own at the end; a line stays that
// says where they are.
function moveToTheEnd(parts, title, id, headings) {
    const appendix = element('section', 'on-paper');
    const heading = element('h1', '', title);
    heading.id = id;
    appendix.append(heading);
    let last;
    for (const details of parts) {
        const { chapter, words } = placeOf(details, headings);
        if (chapter !== last) appendix.append(element('h2', '', chapter.textContent.trim()));
        last = chapter;
        const moved = element('div', 'moved');
        moved.append(element('h3', '', details.matches('.instructor') ? '' : words), ...[...details.childNodes].filter((node) => !node.matches?.('summary')));
        const note = element('p', 'elsewhere', `${details.querySelector('summary').textContent}: see “${title}”, at the end.`);
        details.replaceWith(note);
        appendix.append(moved);
    }
    return appendix;
}

function listContents(headings) {
    const list = element('ol', 'contents');
    for (const heading of headings) {
        const item = element('li', heading.matches('h1') ? 'chapter' : 'section');
        const link = element('a', '', heading.textContent.trim());
        link.href = `#${heading.id}`;
        item.append(link);
        list.append(item);
    }
    return list;
}

function arrangeForPaper(book) {
    // The answers of a chapter are on its second page, and folded beside their
    // questions: those go to the end, and these would be there twice.
    for (const twice of book.querySelectorAll('.answers')) twice.remove();
    const headings = [...book.querySelectorAll('h1, h2, h3')];
    const isAnswer = (details) => /^(?:Answer|Solution)$/.test(details.querySelector('summary')?.textContent);
    const answers = [...book.querySelectorAll('details')].filter(isAnswer);
    const notes = [...book.querySelectorAll('details.instructor')];
    book.append(moveToTheEnd(answers, 'Answers', 'answers-on-paper', headings),
        moveToTheEnd(notes, 'Notes for the instructor', 'notes-on-paper', headings));
    const title = element('h1', '', document.title);
    const top = element('section', 'on-paper');
    // Not what every chapter has.
    const texts = headings.map((heading) => heading.textContent);
    const isListed = ({ id, textContent }) => id && textContent.length > 1 && texts.indexOf(textContent) === texts.lastIndexOf(textContent);
    const listed = [...book.querySelectorAll('h1, h2')].filter((heading) => heading.matches('h1') || isListed(heading));
    top.append(title, listContents(listed));
    book.prepend(top);
}

if (/\/print\.html$/.test(location.pathname)) arrangeForPaper(document.querySelector('main'));
