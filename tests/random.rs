//! Hostile input, a little of it in each test run: the targets of the fuzzer
//! (`tests/fuzz`), fed with transcripts that were damaged at random.
//!
//! The random numbers are the same each time. What each target claims is said
//! in its file. `tests/fuzz/run` does the same for hours, led by coverage.
//!
//! `PILLARBOX_LONG=1` tries a hundred times as many inputs, and
//! `PILLARBOX_SEED=NUMBER` others.

// A test fails by panicking.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
#![allow(clippy::indexing_slicing, clippy::print_stderr, missing_docs)]
// Each target brings the parts that it uses.
#![allow(clippy::duplicate_mod, dead_code, unreachable_pub)]

#[path = "fuzz/targets/addresses.rs"]
mod addresses;
#[path = "fuzz/targets/client.rs"]
mod client;
#[path = "fuzz/targets/commands.rs"]
mod commands;
#[path = "fuzz/targets/dns.rs"]
mod dns;
#[path = "fuzz/targets/entries.rs"]
mod entries;
#[path = "fuzz/targets/machines.rs"]
mod machines;
#[path = "fuzz/targets/message.rs"]
mod message;
#[path = "fuzz/targets/replies.rs"]
mod replies;
#[path = "fuzz/parts/seeds.rs"]
mod seeds;
#[path = "fuzz/targets/transcripts.rs"]
mod transcripts;

use std::panic::catch_unwind;

/// How many inputs each target gets.
const INPUTS: u64 = 10_000;

/// Bytes that mean something somewhere.
const TELLING: &[u8] = b"\r\n\0\t .:<>@-\\\"{[(#\x7f\x80\xc0\xff059Az";

/// Numbers that look random: SplitMix64 (Steele, Lea and Flood, 2014).
struct Random(u64);

impl Random {
    fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Below `limit`, which is not zero.
    fn below(&mut self, limit: usize) -> usize {
        (self.number() % limit as u64) as usize
    }

    fn one_of<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        &all[self.below(all.len())]
    }

    /// A part of the bytes, of 20 bytes at most.
    fn part(&mut self, bytes: &[u8]) -> std::ops::Range<usize> {
        let start = self.below(bytes.len() + 1);
        let longest = (bytes.len() - start).min(20);
        start..start + self.below(longest + 1)
    }
}

/// Damages an input: other bytes, more of them, fewer of them, or a part of
/// another input.
fn damage(input: &mut Vec<u8>, others: &[Vec<u8>], random: &mut Random) {
    for _ in 0..=random.below(6) {
        let part = random.part(input);
        match random.below(5) {
            0 => drop(input.drain(part)),
            1 => input.insert(part.start, *random.one_of(TELLING)),
            2 => input.insert(part.start, random.number() as u8),
            3 => drop(input.splice(part, [*random.one_of(TELLING)])),
            _ => {
                let other = random.one_of(others);
                let piece = other[random.part(other)].to_vec();
                input.splice(part, piece);
            }
        }
    }
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().expect(name))
}

/// Feeds a target. If something is wrong, it tells with which input.
fn feed(target: &str, check: fn(&[u8])) {
    let seed = number("PILLARBOX_SEED").unwrap_or(1);
    let long = std::env::var_os("PILLARBOX_LONG").is_some();
    let seeds = seeds::seeds(target);
    assert!(seeds.len() > 20, "{target} has {} seeds", seeds.len());
    let mut random = Random(seed);
    let damaged = (0..INPUTS * if long { 100 } else { 1 }).map(|_| {
        let mut input = random.one_of(&seeds).clone();
        damage(&mut input, &seeds, &mut random);
        input
    });
    for input in seeds.iter().cloned().chain(damaged) {
        if catch_unwind(|| check(&input)).is_err() {
            panic!("{target}, seed {seed}: {}", input.escape_ascii());
        }
    }
}

#[test]
fn commands_keep_their_claims() {
    feed("commands", commands::check);
}

#[test]
fn addresses_keep_their_claims() {
    feed("addresses", addresses::check);
}

#[test]
fn messages_keep_their_claims() {
    feed("message", message::check);
}

#[test]
fn replies_keep_their_claims() {
    feed("replies", replies::check);
}

#[test]
fn the_client_keeps_its_claims() {
    feed("client", client::check);
}

#[test]
fn answers_of_name_servers_keep_their_claims() {
    feed("dns", dns::check);
}

#[test]
fn entries_of_the_queue_keep_their_claims() {
    feed("entries", entries::check);
}

#[test]
fn transcripts_keep_their_claims() {
    feed("transcripts", transcripts::check);
}

#[test]
fn two_machines_keep_their_claims() {
    feed("machines", machines::check);
}
