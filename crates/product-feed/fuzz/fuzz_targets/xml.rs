//! Fuzzes the content of an XML feed.
#![no_main]

use std::ops::ControlFlow;

use product_feed::{FeedRow, Input, Limits, Understanding, Visitor, read};
use libfuzzer_sys::fuzz_target;

struct Lines(u64);

impl Visitor for Lines {
    fn understood(&mut self, _: &Understanding) {
        // It may be a workbook, whose sheets restart line numbers.
        self.0 = 0;
    }

    fn row(&mut self, row: FeedRow) -> ControlFlow<()> {
        assert!(row.line >= self.0, "lines come in order");
        self.0 = row.line;
        ControlFlow::Continue(())
    }
}

fuzz_target!(|bytes: &[u8]| {
    let limits = Limits {
        max_unpacked: 1 << 20,
    };
    let item: &[u8] = b"<rss><item><g:id>1</g:id><price>1</price></item><item>";
    for file in [bytes.to_vec(), [item, bytes, b"</item></rss>"].concat()] {
        let _ = read(Input::from(file.as_slice()), &limits, None, &mut Lines(0));
    }
});
