//! The two pictures of the page of figures: how fast messages are stored,
//! compared with threads that only write and sync; and the memory that a
//! connection takes.

use super::bars::{Bar, draw};
use super::figures::{How, Rows, put_together};
use super::tree::Tree;

/// Both pictures, by the names of their files.
pub fn parts(tree: &Tree) -> Result<Vec<(String, String)>, String> {
    Ok(vec![
        ("throughput.svg".into(), throughput(&Rows::read(tree, "bench")?)),
        ("held.svg".into(), held(&Rows::read(tree, "held")?)),
    ])
}

/// On the disk, against threads that do nothing but write and sync.
fn throughput(rows: &Rows) -> String {
    let keys = ["place", "form", "sessions", "peer"];
    let is_meant = |trial: &Vec<usize>| {
        rows.column("place", trial)[0] == "disk"
            && rows.column("peer", trial)[0] == "limit"
    };
    let bar = |trial: &Vec<usize>| {
        let [form, sessions] =
            ["form", "sessions"].map(|name| rows.column(name, trial)[0]);
        let ratio = put_together(&rows.column("ratio", trial), How::Median);
        Bar {
            name: match sessions {
                "1" => format!("1 client, {form} each"),
                _ => format!("{sessions} clients, {form} each"),
            },
            value: ratio.parse().unwrap(),
            figure: ratio,
            class: if form == "one" { "server" } else { "client" },
        }
    };
    let trials = rows.trials(&keys).into_iter().filter(is_meant);
    let bars: Vec<Bar> = trials.map(|trial| bar(&trial)).collect();
    draw(
        "Messages stored on the disk",
        &said(
            "1.00 is the rate of threads that only write and sync. One or many \
             messages are on each connection.",
            &bars,
        ),
        &bars,
        Some((1.0, "1.00: only write and sync")),
    )
}

/// Memory of the process for each connection that is open and silent.
fn held(rows: &Rows) -> String {
    let bar = |trial: Vec<usize>| {
        let [held, each] = ["held", "rss_each_kib"]
            .map(|name| put_together(&rows.column(name, &trial), How::Median));
        Bar {
            name: format!("{held} that wait"),
            value: each.parse().unwrap(),
            figure: format!("{each} KiB each"),
            class: "client",
        }
    };
    // What it was before the stack and the buffer were made smaller.
    let before = Bar {
        name: "10,000, before".into(),
        value: 23.2,
        figure: "23.2 KiB each".into(),
        class: "server",
    };
    let mut bars: Vec<Bar> =
        rows.trials(&["held"]).into_iter().map(bar).collect();
    bars.push(before);
    draw(
        "Memory for a connection",
        &said("What the process takes for each of them.", &bars),
        &bars,
        None,
    )
}

/// The picture in words.
fn said(what: &str, bars: &[Bar]) -> String {
    let each = bars.iter().map(|bar| format!("{}: {}.", bar.name, bar.figure));
    [what.to_owned()].into_iter().chain(each).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_trial_on_the_disk_is_a_bar_with_the_median_of_its_runs() {
        let head = "date\tcommit\tkernel\tplace\tform\tsessions\tpeer\tratio\n";
        let row = |rest: &str| format!("d\tc\tk\t{rest}\n");
        let bench = [
            head.to_owned(),
            row("disk\tone\t20\tlimit\t0.80"),
            row("disk\tone\t20\tlimit\t0.90"),
            row("disk\tone\t20\tlimit\t0.10"),
            row("disk\tone\t20\tpostfix\t3.00"),
            row("memory\tone\t20\tlimit\t4.00"),
        ];
        let held = "date\tcommit\tkernel\theld\trss_each_kib\n\
            d\tc\tk\t1000\t14.6\n";
        let tree = Tree::of(&[
            ("tests/figures/bench.tsv", &bench.concat()),
            ("tests/figures/held.tsv", held),
        ]);
        let pictures = parts(&tree).unwrap();
        let has = |at: usize, text: &str| pictures[at].1.contains(text);
        assert!(has(0, "20 clients, one each: 0.80."));
        assert!(!has(0, "3.00") && !has(0, "4.00"));
        assert!(has(1, "1,000 that wait: 14.6 KiB each."));
    }
}
