//! GIFT, the text format that Moodle imports, as far as our bank uses it:
//!
//! ```abnf
//! file     = *( ( comment / category / question ) *LF )
//! comment  = "//" line
//! category = "$CATEGORY: " line
//! question = "::" text "::" "[html]" text "{" LF
//!            1*( ( "=" / "~" ) text LF ) "####" text LF "}"
//! text     = 1*( "\" special / %d32-.. except special )
//! special  = "\" / "~" / "=" / "#" / "{" / "}" / ":"
//! ```
//!
//! An empty line separates two parts, and is in none.

/// A question of the bank, its marks read and its backslashes taken away.
pub struct Question {
    pub name: String,
    pub text: String,
    pub right: Vec<String>,
    pub wrong: Vec<String>,
    pub why: String,
}

/// The questions of a file, or what is wrong with it.
pub fn parse(file: &str) -> Result<Vec<Question>, String> {
    let mut questions = Vec::new();
    let parts = file.split("\n\n").map(str::trim);
    for part in parts.filter(|part| !part.is_empty()) {
        let is_line = part.starts_with("//") || part.starts_with("$CATEGORY: ");
        if is_line && !part.contains('\n') {
            continue;
        }
        questions.push(question(part).map_err(|why| format!("{why}: {part}"))?);
    }
    Ok(questions)
}

fn question(part: &str) -> Result<Question, String> {
    let rest = after(part, "::")?;
    let (name, rest) = text(rest)?;
    let rest = after(after(rest, "::")?, "[html]")?;
    let (stem, rest) = text(rest)?;
    let mut rest = after(after(rest, "{")?, "\n")?;
    let (mut right, mut wrong) = (Vec::new(), Vec::new());
    while let Some(answer) = rest.strip_prefix(['=', '~']) {
        let (words, next) = text(answer)?;
        let is_right = rest.starts_with('=');
        if is_right { &mut right } else { &mut wrong }.push(words);
        rest = after(next, "\n")?;
    }
    let (why, rest) = text(after(rest, "####")?)?;
    match after(rest, "\n}")? {
        "" => Ok(Question { name, text: stem, right, wrong, why }),
        more => Err(format!("after the end there is '{more}'")),
    }
}

fn after<'a>(text: &'a str, mark: &str) -> Result<&'a str, String> {
    let what = || format!("expected {mark:?}");
    text.strip_prefix(mark).ok_or_else(what)
}

/// Text up to the next character with a meaning, or the end of the line.
fn text(from: &str) -> Result<(String, &str), String> {
    let mut read = String::new();
    let mut rest = from;
    while let Some(next) = rest.chars().next() {
        match next {
            '\\' => {
                let escaped = rest[1..].chars().next();
                let special = escaped.filter(|c| "\\~=#{}:".contains(*c));
                read.push(special.ok_or("a backslash before nothing special")?);
                rest = &rest[2..];
            }
            '~' | '=' | '#' | '{' | '}' | ':' | '\n' => break,
            next => {
                read.push(next);
                rest = &rest[next.len_utf8()..];
            }
        }
    }
    let is_there = !read.trim().is_empty();
    is_there.then_some((read, rest)).ok_or("expected text".into())
}

#[test]
fn what_is_no_gift_is_refused() {
    let good = "// a\n\n$CATEGORY: b\n\n::n\\:1::[html]a \\{b\\}{\n=c\n~d\n\
        ####e\n}\n";
    let read = parse(good).unwrap();
    assert_eq!(read.len(), 1);
    assert_eq!((&*read[0].name, &*read[0].text), ("n:1", "a {b}"));
    assert_eq!((&*read[0].right[0], &*read[0].wrong[0]), ("c", "d"));
    for (old, new) in [
        ("::n", ":n"),
        ("\\{b", "{b"),
        ("=c", "=c=c"),
        ("=c", "c"),
        ("~d", "~d#"),
        ("~d", "~"),
        ("~d", "\n~d"),
        ("####", "###"),
        ("n\\:1", "n\\1"),
        ("\n}", "}"),
        ("\n}", "\n}x"),
    ] {
        let broken = good.replacen(old, new, 1);
        assert!(parse(&broken).is_err(), "{broken}");
    }
}
