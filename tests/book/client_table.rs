//! The client's table, as Markdown: what it makes of every answer at every
//! step, and why. Made from `decision.rs`: no step, kind of answer or decision
//! can be left out.

use pillarbox::protocol::decision::{BY_ITSELF, Decision, Kind, Step, decide};

use super::tables::{row, rule};

/// The table, the reasons for its cells, and the decisions that are in none.
pub fn table() -> String {
    let kinds = Kind::ALL.map(|kind| kind.name().to_owned());
    let mut text = row([&["answer to".to_owned()][..], &kinds].concat());
    text += &rule(Kind::ALL.len() + 1);
    for step in Step::ALL {
        let cells = Kind::ALL.map(|kind| decide(step, kind).words.to_owned());
        text += &row([&[step.name().to_owned()][..], &cells].concat());
    }
    text + "\n## Why\n\n" + &reasons() + "\n## Without an answer\n\n" + &own()
}

/// Each decision once, with all places where it is taken.
fn reasons() -> String {
    let mut text = head(["the client", "when", "why"]);
    for decision in decisions() {
        text += &row(vec![
            decision.words.to_owned(),
            places(decision),
            why(decision),
        ]);
    }
    text
}

/// What the client decides before it asks, or because of its own troubles.
fn own() -> String {
    let mut text = head(["the client", "code", "why"]);
    for decision in BY_ITSELF {
        let code = match decision.status {
            "" => "-",
            status => status,
        };
        let words = decision.words.to_owned();
        text += &row(vec![words, code.to_owned(), why(decision)]);
    }
    text
}

fn head(names: [&str; 3]) -> String {
    row(names.map(str::to_owned).to_vec()) + &rule(names.len())
}

fn why(decision: &Decision) -> String {
    format!("{} ({})", decision.rule, decision.section)
}

/// The decisions of the table, in its order.
fn decisions() -> Vec<&'static Decision> {
    let mut found: Vec<&'static Decision> = Vec::new();
    for (step, kind) in cells() {
        let decision = decide(step, kind);
        if !found.contains(&decision) {
            found.push(decision);
        }
    }
    found
}

fn cells() -> impl Iterator<Item = (Step, Kind)> {
    let row = |step| Kind::ALL.map(|kind| (step, kind));
    Step::ALL.into_iter().flat_map(row)
}

/// `greeting, EHLO: 4xx, 421`: steps with the same answers share a line.
fn places(decision: &Decision) -> String {
    let mut lines: Vec<(Vec<&str>, String)> = Vec::new();
    for step in Step::ALL {
        let is_it = |kind: &Kind| decide(step, *kind) == decision;
        let kinds = Kind::ALL.into_iter().filter(is_it).map(Kind::name);
        let kinds = kinds.collect::<Vec<_>>().join(", ");
        match lines.iter_mut().find(|(_, same)| *same == kinds) {
            _ if kinds.is_empty() => {}
            Some((steps, _)) => steps.push(step.name()),
            None => lines.push((vec![step.name()], kinds)),
        }
    }
    let line = |(steps, kinds): &(Vec<&str>, String)| {
        format!("{}: {kinds}", steps.join("; "))
    };
    lines.iter().map(line).collect::<Vec<_>>().join("<br>")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_cell_has_its_reason_below_the_table() {
        let reasons = reasons();
        for (step, kind) in cells() {
            let decision = decide(step, kind);
            assert!(reasons.contains(&why(decision)), "{step:?} {kind:?}");
        }
        assert_eq!(table().matches("\n| greeting |").count(), 1);
    }

    #[test]
    fn the_places_of_a_decision_are_those_of_the_table() {
        let unsure = decide(Step::Dot, Kind::NoReply);
        assert_eq!(places(unsure), "dot: 3xx, no reply");
        let busy = decide(Step::Greeting, Kind::NotNow);
        assert_eq!(places(busy), "greeting; EHLO; HELO: 4xx, 421");
    }
}
