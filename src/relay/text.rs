//! The text of a mail, made ready for the wire block by block.
//!
//! Interface:
//!   `Blocks`  reads a text to its end
//!   `survey`  what a text needs of a server, before anybody is asked
//!
//! What is made of the bytes is said in `protocol::outgoing`.

use crate::protocol::outgoing::OutgoingText;
use std::io::{self, ErrorKind, Read};

const BLOCK_SIZE: usize = 8192;

/// A text on its way.
pub(super) struct Blocks {
    content: Box<dyn Read>,
    text: OutgoingText,
    block: Vec<u8>,
    ready: Vec<u8>,
    is_at_end: bool,
}

impl Blocks {
    pub(super) fn new(content: Box<dyn Read>) -> Blocks {
        Blocks {
            content,
            text: OutgoingText::default(),
            block: vec![0; BLOCK_SIZE],
            ready: Vec::new(),
            is_at_end: false,
        }
    }

    /// What leaves next, or `None` after the end of the last line. The dot is
    /// not part of the text.
    ///
    /// A carriage return that is alone is an error with `BareCr` inside.
    pub(super) fn next(&mut self) -> io::Result<Option<&[u8]>> {
        if self.is_at_end {
            return Ok(None);
        }
        self.ready.clear();
        let count = read(&mut self.content, &mut self.block)?;
        self.is_at_end = count == 0;
        let bytes = self.block.get(..count).unwrap_or_default();
        let taken = match self.is_at_end {
            true => self.text.end(&mut self.ready),
            false => self.text.take(bytes, &mut self.ready),
        };
        taken.map_err(io::Error::other)?;
        Ok(Some(&self.ready))
    }

    /// What is known of the text by now.
    pub(super) fn text(&self) -> &OutgoingText {
        &self.text
    }
}

/// Reads a whole text: then it is known what it needs. If a carriage return
/// stands alone in it, it cannot be sent: the error has `BareCr` inside.
pub fn survey(content: Box<dyn Read>) -> io::Result<OutgoingText> {
    let mut blocks = Blocks::new(content);
    while blocks.next()?.is_some() {}
    Ok(blocks.text)
}

fn read(content: &mut dyn Read, block: &mut [u8]) -> io::Result<usize> {
    loop {
        match content.read(block) {
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            read => return read,
        }
    }
}
