// One slide at a time, by keyboard, mouse or finger; the notes in a window of
// their own. Without this script, or with ?notes in the address, all slides
// and their notes are shown one below the other.
(() => {
  if (location.search === '?notes') return;
  const slides = [...document.querySelectorAll('section')];
  const where = document.createElement('p');
  where.id = 'where';
  document.body.append(where);
  document.body.classList.add('shows');
  let now = 0;
  let notes = null;

  // A slide that holds too much gets smaller letters.
  function fit(slide) {
    const box = slide.querySelector('.slide');
    box.style.fontSize = '';
    let size = parseFloat(getComputedStyle(box).fontSize);
    while (box.scrollHeight > box.clientHeight + 1 && size > 8) {
      size *= 0.95;
      box.style.fontSize = `${size}px`;
    }
  }

  function show(number) {
    now = Math.max(0, Math.min(slides.length - 1, number));
    slides.forEach((slide, n) => slide.classList.toggle('now', n === now));
    where.textContent = `${now + 1} / ${slides.length}`;
    history.replaceState(null, '', `#${now + 1}`);
    fit(slides[now]);
    tell();
  }

  // The same page fills the window of the notes: nothing has to be loaded.
  function tell() {
    if (!notes || notes.closed) return;
    const title = (n) => slides[n]?.querySelector('h1, h2').innerHTML ?? 'the end';
    const text = slides[now].querySelector('.notes').innerHTML;
    notes.document.title = `Notes: ${document.title}`;
    notes.document.body.innerHTML =
      `<p>${now + 1} of ${slides.length}, then: ${title(now + 1)}</p>` +
      `<h1>${title(now)}</h1>${text || '<p>(no notes)</p>'}`;
  }

  function openNotes() {
    notes = window.open('', 'notes', 'width=700,height=800');
    if (!notes) return;
    const style = document.querySelector('style').cloneNode(true);
    notes.document.head.replaceChildren(style);
    notes.document.body.style.padding = '1rem 2rem';
    notes.onkeydown = press;
    tell();
  }

  function help() {
    const old = document.getElementById('help');
    if (old) return old.remove();
    const box = document.createElement('div');
    box.id = 'help';
    box.textContent = 'Right, space: on. Left: back. Home, End. N: notes. ' +
      'F: full screen. P: print. H: this help.';
    document.body.append(box);
  }

  const keys = {
    ArrowRight: () => show(now + 1), PageDown: () => show(now + 1),
    ' ': () => show(now + 1), ArrowLeft: () => show(now - 1),
    PageUp: () => show(now - 1), Home: () => show(0),
    End: () => show(slides.length - 1), n: openNotes, h: help, '?': help,
    p: () => window.print(),
    f: () => document.documentElement.requestFullscreen?.(),
  };
  function press(event) {
    const act = keys[event.key] ?? keys[event.key.toLowerCase()];
    if (!act || event.ctrlKey || event.altKey || event.metaKey) return;
    event.preventDefault();
    act();
  }

  document.addEventListener('keydown', press);
  document.addEventListener('click', (event) => {
    const isLeft = event.clientX < innerWidth / 4;
    show(now + (isLeft ? -1 : 1));
  });
  addEventListener('resize', () => fit(slides[now]));
  addEventListener('hashchange', () => show(parseInt(location.hash.slice(1), 10) - 1));
  // On paper each slide has its own size: none is the one that is shown.
  addEventListener('beforeprint', () => {
    slides.forEach((slide) => { slide.querySelector('.slide').style.fontSize = ''; });
  });
  addEventListener('afterprint', () => fit(slides[now]));
  show((parseInt(location.hash.slice(1), 10) || 1) - 1);
})();
