//! Fills in a command: `{port}` becomes a number.

/// Replaces the words in braces that have a value.
///
/// They are replaced from left to right, so that none is found in what another
/// one stands for. All else stays: `${HOME}` is the shell's.
pub(super) fn filled_in(
    command: &str,
    value: impl Fn(&str) -> Option<String>,
) -> String {
    let mut filled = String::new();
    let mut rest = command;
    while let Some((before, after)) = rest.split_once('{') {
        filled.push_str(before);
        rest = after;
        match after
            .split_once('}')
            .and_then(|(word, after)| Some((value(word)?, after)))
        {
            Some((value, after)) => {
                filled.push_str(&value);
                rest = after;
            }
            None => filled.push('{'),
        }
    }
    filled + rest
}
