//! Fuzzes rows behind a known header row: dialects, cells, checks.
#![no_main]

use std::ops::ControlFlow;

use product_feed::{FeedRow, Input, Limits, Visitor, read};
use libfuzzer_sys::fuzz_target;

const HEADERS: [&str; 5] = [
    "SKU,Name,Price,Currency,EAN,Stock,Availability,URL\n",
    "Handle;Title;Option1 Value;Variant SKU;Variant Price\r\n",
    "ID\tType\tSKU\tName\tRegular price\tSale price\tParent\tAttribute 1 value(s)\n",
    "Item|Name|SKU|Price\n",
    "id,title,link,image_link,availability,price,gtin\n",
];

struct Lines(u64);

impl Visitor for Lines {
    fn row(&mut self, row: FeedRow) -> ControlFlow<()> {
        assert!(row.line >= self.0, "lines come in order");
        self.0 = row.line;
        if let Ok(product) = &row.outcome {
            assert!(!product.identity.is_empty() && !product.name.is_empty());
        }
        ControlFlow::Continue(())
    }
}

fuzz_target!(|bytes: &[u8]| {
    let Some((choice, rest)) = bytes.split_first() else {
        return;
    };
    let header = HEADERS[usize::from(*choice) % HEADERS.len()];
    let file = [header.as_bytes(), rest].concat();
    let limits = Limits {
        max_unpacked: 1 << 20,
    };
    let _ = read(Input::from(file.as_slice()), &limits, None, &mut Lines(0));
});
