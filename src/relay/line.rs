//! Which mail is next: the groups of mail that is due, and how many connections
//! each of them may have at a time (RFC 5321 4.5.4.1). Pure.
//!
//! A group is the mail for one domain, or for the smart host. A turn is one
//! connection to its hosts, with the look-up before it. The groups wait in
//! line, and a group that has had a turn goes to the end of it.
//!
//! Guarantees, whatever the hosts do:
//! - at most 20 turns to other hosts at a time;
//! - at most two for one group, and only one until its host has answered: ten
//!   silent domains at once leave room for others;
//! - groups that were away last time share at most 10.
//!
//! Interface:
//!   `Group`  what goes the same way
//!   `Line`   the groups, and their work; `W` is a piece of it

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt;

/// How many turns there are at a time.
pub const TURN_LIMIT: usize = 20;

/// How many of them groups may have that were away last time.
pub const AWAY_LIMIT: usize = 10;

/// How many turns a group has at a time.
pub const GROUP_LIMIT: usize = 2;

/// More groups than this are not remembered as being away.
const MEMORY: usize = 10_000;

/// What goes the same way.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Group {
    /// To a mailbox on this host: no connection is needed.
    Here,
    /// To the smart host.
    SmartHost,
    /// To the hosts of this domain, in lower case.
    Domain(String),
}

impl fmt::Display for Group {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Group::Here => "this host",
            Group::SmartHost => "the smart host",
            Group::Domain(domain) => domain,
        })
    }
}

/// The groups, and their work.
#[derive(Debug)]
pub struct Line<W> {
    groups: BTreeMap<Group, Place<W>>,
    /// Those with work, each once.
    order: VecDeque<Group>,
    /// Those whose hosts were away last time.
    away: BTreeSet<Group>,
}

/// What is known of a group that has work, or a turn.
#[derive(Debug)]
struct Place<W> {
    work: VecDeque<W>,
    turns: usize,
    /// How many turns it may have.
    limit: usize,
}

impl<W> Default for Line<W> {
    fn default() -> Line<W> {
        Line {
            groups: BTreeMap::new(),
            order: VecDeque::new(),
            away: BTreeSet::new(),
        }
    }
}

impl<W> Line<W> {
    /// Adds a piece of work at the end of a group's own.
    pub fn add(&mut self, group: &Group, work: W) {
        self.place(group).work.push_back(work);
    }

    /// Puts a piece of work back, before all others of the group.
    pub fn put_back(&mut self, group: &Group, work: W) {
        self.place(group).work.push_front(work);
    }

    fn place(&mut self, group: &Group) -> &mut Place<W> {
        if !self.groups.contains_key(group) {
            self.order.push_back(group.clone());
        }
        let new = || Place { work: VecDeque::new(), turns: 0, limit: 1 };
        self.groups.entry(group.clone()).or_insert_with(new)
    }

    /// Begins the next turn, if there may be one more.
    pub fn begin_turn(&mut self) -> Option<Group> {
        let group = self.first()?;
        self.order.retain(|other| *other != group);
        self.order.push_back(group.clone());
        self.groups.get_mut(&group)?.turns += 1;
        Some(group)
    }

    /// The first group that may have a turn.
    fn first(&self) -> Option<Group> {
        let is_remote = |group: &Group| *group != Group::Here;
        let is_away = |group: &Group| self.away.contains(group);
        let has_room = self.turns_of(is_remote) < TURN_LIMIT;
        let has_room_for_away = self.turns_of(is_away) < AWAY_LIMIT;
        let may_begin = |group: &&Group| {
            let waits = is_remote(group) && !has_room
                || is_away(group) && !has_room_for_away;
            !waits && self.groups.get(*group).is_some_and(Place::has_turn_left)
        };
        self.order.iter().find(may_begin).cloned()
    }

    /// Whether a turn could begin now.
    pub fn has_turn_left(&self) -> bool {
        self.first().is_some()
    }

    /// How many turns these groups have now.
    fn turns_of(&self, is_one: impl Fn(&Group) -> bool) -> usize {
        let these = self.groups.iter().filter(|(group, _)| is_one(group));
        these.map(|(_, place)| place.turns).sum()
    }

    /// The next piece of a group's work.
    pub fn next(&mut self, group: &Group) -> Option<W> {
        self.groups.get_mut(group)?.work.pop_front()
    }

    /// The hosts of a group have answered in this turn.
    pub fn is_there(&mut self, group: &Group) {
        self.away.remove(group);
        self.set_limit(group, GROUP_LIMIT);
    }

    /// The hosts of a group did not answer in this turn. If it is the only
    /// one, all work of the group comes back: for now there is no use in
    /// trying. If not, they did not want a second connection: one goes on.
    pub fn is_away(&mut self, group: &Group) -> Vec<W> {
        self.set_limit(group, 1);
        let Some(place) = self.groups.get_mut(group) else { return Vec::new() };
        if place.turns > 1 {
            return Vec::new();
        }
        if self.away.len() >= MEMORY {
            self.away.clear();
        }
        self.away.insert(group.clone());
        place.work.drain(..).collect()
    }

    fn set_limit(&mut self, group: &Group, limit: usize) {
        if let Some(place) = self.groups.get_mut(group) {
            place.limit = limit;
        }
    }

    /// Ends a turn.
    pub fn end_turn(&mut self, group: &Group) {
        let Some(place) = self.groups.get_mut(group) else { return };
        place.turns = place.turns.saturating_sub(1);
        if place.turns == 0 && place.work.is_empty() {
            self.groups.remove(group);
            self.order.retain(|other| other != group);
        }
    }

    /// How many turns there are now.
    pub fn turns(&self) -> usize {
        self.turns_of(|_| true)
    }
}

impl<W> Place<W> {
    fn has_turn_left(&self) -> bool {
        self.turns < self.limit && !self.work.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn domain(number: usize) -> Group {
        Group::Domain(format!("d{number}.example"))
    }

    fn begin_all(line: &mut Line<usize>) -> Vec<Group> {
        std::iter::from_fn(|| line.begin_turn()).collect()
    }

    fn line(groups: usize, work: usize) -> Line<usize> {
        let mut line = Line::default();
        for number in 0..work {
            for group in 0..groups {
                line.add(&domain(group), number);
            }
        }
        line
    }

    #[test]
    fn case_11_a_group_has_one_turn_until_its_host_answers_and_then_two() {
        let mut line = line(1, 9);
        assert_eq!(begin_all(&mut line).len(), 1);
        line.is_there(&domain(0));
        assert_eq!(begin_all(&mut line).len(), 1);
        line.is_there(&domain(0));
        assert_eq!(begin_all(&mut line).len(), 0);
        assert_eq!(line.turns(), GROUP_LIMIT);
    }

    #[test]
    fn case_11_twenty_turns_are_the_most_but_nobody_here_waits_for_them() {
        let mut line = line(50, 2);
        assert_eq!(begin_all(&mut line).len(), TURN_LIMIT);
        line.add(&Group::Here, 0);
        assert_eq!(begin_all(&mut line), [Group::Here]);
        line.end_turn(&domain(3));
        assert_eq!(begin_all(&mut line), [domain(20)]);
    }

    #[test]
    fn case_11_groups_that_were_away_share_ten_turns() {
        let mut line = line(30, 1);
        for number in 0..30 {
            line.is_away(&domain(number));
            line.add(&domain(number), 0);
        }
        assert_eq!(begin_all(&mut line).len(), AWAY_LIMIT);
        line.add(&domain(99), 0);
        assert_eq!(begin_all(&mut line), [domain(99)]);
        // One of them is back: another one may try, and it may have two.
        line.is_there(&domain(0));
        assert_eq!(begin_all(&mut line), [domain(10), domain(0)]);
    }

    #[test]
    fn if_the_hosts_are_away_all_work_of_the_group_comes_back_at_once() {
        let mut line = line(2, 3);
        begin_all(&mut line);
        let first = line.next(&domain(0)).unwrap();
        line.put_back(&domain(0), first);
        assert_eq!(line.is_away(&domain(0)), [0, 1, 2]);
        assert_eq!(line.next(&domain(0)), None);
        assert_eq!(line.next(&domain(1)), Some(0));
    }

    #[test]
    fn a_refused_second_connection_is_no_failure_of_the_group() {
        let mut line = line(1, 3);
        begin_all(&mut line);
        line.is_there(&domain(0));
        begin_all(&mut line);
        assert!(line.is_away(&domain(0)).is_empty());
        line.end_turn(&domain(0));
        // The other one goes on alone.
        assert_eq!(begin_all(&mut line).len(), 0);
        assert_eq!(line.next(&domain(0)), Some(0));
    }

    #[test]
    fn a_group_that_has_had_a_turn_goes_to_the_end_of_the_line() {
        let mut line = line(3, 2);
        let order: Vec<_> = (0..6)
            .map(|_| {
                let group = line.begin_turn().unwrap();
                line.next(&group).unwrap();
                line.end_turn(&group);
                group
            })
            .collect();
        let want = [0, 1, 2, 0, 1, 2].map(domain);
        assert_eq!(order, want);
        assert_eq!(line.begin_turn(), None);
        assert!(line.groups.is_empty() && line.order.is_empty());
    }
}
