//! The blessing: what our own server says now becomes the new page.
//!
//! In reading order:
//!   `blessing`   shows the new page, and puts it in the place of the old one
//!   `rehearsal`  plays a page to hear, not to judge
//!   `edit`       a page and what was really said become a new page
//!   `rewrite`    the words of a line that is written anew
//!   `align`      what stayed, and what changed, between two lists
//!   `diff`       two texts, side by side, for people

mod align;
pub mod blessing;
mod diff;
mod edit;
mod rehearsal;
mod rewrite;
