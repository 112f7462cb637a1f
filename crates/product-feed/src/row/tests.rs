use csv::ByteRecord;

use super::*;

const SHOPIFY: &str =
    "Handle,Title,Type,Option1 Value,Option2 Value,Variant SKU,Variant Price,Image Src";
const WOOCOMMERCE: &str =
    "ID,Type,SKU,Name,Sale price,Regular price,Parent,Attribute 1 value(s),Attribute 2 value(s)";

fn record(row: &str) -> ByteRecord {
    row.split(',').collect::<Vec<_>>().into()
}

fn classifier(header: &str) -> Classifier {
    let cells = header.split(',').map(str::to_owned).collect();
    Classifier::new(Header::find(cells, None).unwrap(), DecimalMark::default())
}

fn raw(cells: &ByteRecord) -> RawRow<'_> {
    RawRow {
        cells,
        line: 2,
        encoding: CellEncoding::UTF_8,
        is_cut_off: false,
        has_semicolons: false,
        numbers: &[],
    }
}

#[allow(clippy::result_large_err)] // it is what a row comes out as
fn counts(classifier: &mut Classifier, row: RawRow<'_>) -> Result<FeedProduct, RowFailure> {
    match classifier.classify(row) {
        Some(Classified::Counts(outcome)) => outcome,
        other => panic!("the row does not count: {other:?}"),
    }
}

/// Classifies rows as `identity|name|price`, `label!reason`, or nothing.
fn classify(header: &str, rows: &[&str]) -> Vec<String> {
    let mut classifier = classifier(header);
    rows.iter()
        .map(|row| match classifier.classify(raw(&record(row))) {
            None | Some(Classified::PassedOver(_)) => String::new(),
            Some(Classified::Counts(Ok(product))) => {
                let price = product.price.unwrap_or_default();
                format!("{}|{}|{price}", product.identity, product.name)
            }
            Some(Classified::Counts(Err(failure))) => {
                format!("{}!{}", failure.label.unwrap_or_default(), failure.error)
            }
        })
        .collect()
}

/// Classifies rows as `image [options]`.
fn pictures(header: &str, rows: &[&str]) -> Vec<String> {
    let mut classifier = classifier(header);
    rows.iter()
        .map(|row| {
            let product = counts(&mut classifier, raw(&record(row))).unwrap();
            let image = product.image.unwrap_or_default();
            format!("{image} {:?}", product.options)
        })
        .collect()
}

#[test]
fn variants_have_options_and_the_image_of_their_product() {
    let rows = pictures(
        SHOPIFY,
        &[
            "tee,Tee,,Blue,L,T-1,20,https://a.example/1.jpg",
            "tee,,,Blue,S,T-2,20,",
            "tee,,,Red,S,T-3,20,https://a.example/3.jpg",
            "cup,Cup,,Default Title,,C-1,5,",
        ],
    );
    assert_eq!(
        rows,
        [
            r#"https://a.example/1.jpg ["Blue", "L"]"#,
            r#"https://a.example/1.jpg ["Blue", "S"]"#,
            r#"https://a.example/3.jpg ["Red", "S"]"#,
            " []",
        ]
    );
    let header = format!("{WOOCOMMERCE},Images");
    let rows = pictures(
        &header,
        &[
            "1,variable,tee,Tee,,,,Blue|Red,L|S,https://a.example/1.jpg",
            "2,variation,tee-1,Tee,,20,tee,Blue,L,",
        ],
    );
    assert_eq!(rows, ["https://a.example/1.jpg []", r#" ["Blue", "L"]"#]);
}

#[test]
fn a_plain_row_is_known_by_its_sku() {
    let rows = classify(
        "sku,name,price",
        &[
            "A-1,Shirt,9.9",
            " A-2 , Hat ,$5",
            "A-3,,1",
            "",
            " , ,",
            "A-4,Short row,1,,",
        ],
    );
    assert_eq!(
        rows,
        [
            "sku:A-1|Shirt|9.90",
            "sku:A-2|Hat|5",
            "sku:A-3|A-3|1",
            "",
            "",
            "sku:A-4|Short row|1"
        ]
    );
}

#[test]
fn a_row_that_cannot_be_taken_says_why() {
    let long = format!("{},x,1", "x".repeat(501));
    let rows = classify(
        "sku,name,price",
        &[
            "A-1,Shirt,",
            "A-2,Shirt",
            "A-3,Shirt,abc",
            "A-4,Shirt,-1",
            ",Shirt,1",
            "A-5,a,b,1",
            &long,
            "A\0,x,1",
        ],
    );
    assert_eq!(rows[0], "A-1!The price is missing.");
    assert_eq!(rows[1], "A-2!The price is missing.");
    assert_eq!(rows[2], "A-3!\"abc\" is not a valid price.");
    assert_eq!(rows[3], "A-4!The price \"-1\" is negative.");
    assert_eq!(rows[4], "Shirt!No SKU or other identifier.");
    assert_eq!(
        rows[5],
        "A-5!The row has 4 cells, but the header row has only 3."
    );
    assert!(rows[6].ends_with("x!The SKU or identifier is longer than 500 characters."));
    assert_eq!(rows[7], "A!The row contains binary data.");
}

#[test]
fn the_variants_of_a_handle_share_its_title() {
    let rows = classify(
        SHOPIFY,
        &[
            "tee,T-Shirt,Tops,Blue,S,,10,a.png",
            "tee,,,Blue,M,,11,",
            "tee,,,,,,,b.png",
            "tee,T-Shirt,Tops,,,,,c.png",
            "tee,,,Red,S,TEE-R,12,",
            "mug,Mug,Bundle,Default Title,,,7,",
            "cap,,,Default Title,,,8,",
        ],
    );
    assert_eq!(
        rows,
        [
            "handle:tee/Blue/S|T-Shirt|10",
            "handle:tee/Blue/M|T-Shirt|11",
            "",
            "",
            "sku:TEE-R|T-Shirt|12",
            "handle:mug|Mug|7",
            "handle:cap|cap|8",
        ]
    );
}

#[test]
fn a_product_of_a_handle_fails_without_a_price() {
    let rows = classify(
        SHOPIFY,
        &[
            "tee,T-Shirt,Bundle,,,,,a.png",
            "tee,,,Blue,M,,,",
            "cap,,,,,C-1,,",
        ],
    );
    assert_eq!(
        rows,
        [
            "tee!The price is missing.",
            "tee / Blue / M!The price is missing.",
            "C-1!The price is missing.",
        ]
    );
}

#[test]
fn a_failed_first_row_still_gives_its_title() {
    let rows = classify(SHOPIFY, &["tee,T-Shirt,,Blue,S,,x,", "tee,,,Red,S,,5,"]);
    assert_eq!(rows[1], "handle:tee/Red/S|T-Shirt|5");
}

#[test]
fn woocommerce_s_kinds_are_told_apart() {
    let rows = classify(
        WOOCOMMERCE,
        &[
            "1,variable,tee,Tee,,,,Blue,",
            "2,variation,tee-blue,Tee - Blue,8,10,tee,Blue,",
            "3,variation,,Tee - Red,,10,id:1,Red,L",
            "4,grouped,set,Set,,,,,",
            "5,external,,Elsewhere,,,,,",
            "6,simple,album,Album,3,,,,",
            "7,simple,gone,None,,,,,",
            "8,variation,,Tee - any,,10,tee,,",
            "9,downloadable,x,X,,,,,",
        ],
    );
    assert_eq!(
        rows,
        [
            "sku:tee|Tee|",
            "sku:tee-blue|Tee - Blue|10",
            "parent:id:1/Red/L|Tee - Red|10",
            "sku:set|Set|",
            "id:5|Elsewhere|",
            "sku:album|Album|3",
            "gone!The price is missing.",
            "id:8|Tee - any|10",
            "x!The price is missing.",
        ]
    );
}

#[test]
fn a_kind_is_one_of_several_words() {
    let mut classifier = classifier("sku,type,price");
    let row = ByteRecord::from(vec!["a", "Variable, downloadable", ""]);
    assert!(counts(&mut classifier, raw(&row)).is_ok());
}

#[test]
fn a_cell_that_is_not_utf_8_is_windows_1252() {
    let mut classifier = classifier("sku,name,price");
    let row = ByteRecord::from(vec![&b"A"[..], b"Caf\xe9 \x93x\x94", b"\x80 5"]);
    let product = counts(&mut classifier, raw(&row)).unwrap();
    assert_eq!(
        (product.name.as_str(), product.price.as_deref()),
        ("Café “x”", Some("5"))
    );
}

#[test]
fn bigcommerce_s_variants_have_what_the_product_above_has() {
    let rows = classify(
        "Item Type,Product ID,Product Name,Product Code/SKU,Price",
        &[
            "Product,7,Tee,TEE,10.00",
            "  SKU,,[S]Size=Small,TEE-S,",
            "  SKU,,[S]Size=Large,TEE-L,12",
            "  Rule,,,TEE-L,3",
            "Product,8,Mug,,5",
        ],
    );
    assert_eq!(
        rows,
        [
            "sku:TEE|Tee|10.00",
            "sku:TEE-S|Tee|10.00",
            "sku:TEE-L|Tee|12",
            "",
            "id:8|Mug|5",
        ]
    );
}

#[test]
fn what_a_product_needs_fails_with_its_column_and_value() {
    let mut classifier = classifier("sku,title,price,currency,ean,url,stock");
    for (row, column, value) in [
        ("A,x,much,,,,", "price", "much"),
        ("A,x,2026-05-12,,,,", "price", "2026-05-12"),
        ("A,x,#N/A,,,,", "price", "#N/A"),
        ("A,x,,,,,", "price", ""),
        (",x,1,,,,", "sku", ""),
        ("N/A,x,1,,,,", "sku", "N/A"),
        ("4.00638E+12,x,1,,,,", "sku", "4.00638E+12"),
        (",x,1,,4006381333932,,", "ean", "4006381333932"),
    ] {
        let record = record(row);
        let failure = counts(&mut classifier, raw(&record)).unwrap_err();
        assert_eq!(failure.column.as_deref(), Some(column), "{row}");
        assert_eq!(failure.value.as_deref(), Some(value), "{row}");
        assert_eq!(failure.cells, row.split(',').collect::<Vec<_>>());
    }
    let good = record("A,x,1.299 €,,4006381333931,https://a.example/x,in stock");
    let product = counts(&mut classifier, raw(&good)).unwrap();
    assert_eq!((product.currency, product.stock), (Some("EUR"), None));
    assert_eq!(product.availability, Some("in_stock"));
    assert_eq!(product.warnings, []);
}

#[test]
fn what_a_product_does_not_need_is_left_out_with_a_warning() {
    let mut classifier = classifier("sku,title,price,currency,ean,url,stock,sale price");
    for (row, field, column, value) in [
        (
            "A,x,1,EUR,4006381333932,,,",
            Meaning::Gtin,
            "ean",
            "4006381333932",
        ),
        ("A,x,1,EUR,tbd,,,", Meaning::Gtin, "ean", "tbd"),
        ("A,x,1,XXQ,,,,", Meaning::Currency, "currency", "XXQ"),
        ("A,x,1,,,shirt,,", Meaning::Url, "url", "shirt"),
        ("A,x,1,,,,12.5,", Meaning::Stock, "stock", "12.5"),
        ("A,x,1,,,,,soon", Meaning::SalePrice, "sale price", "soon"),
    ] {
        let record = record(row);
        let product = counts(&mut classifier, raw(&record)).unwrap();
        assert_eq!(
            (product.identity.as_str(), product.price.as_deref()),
            ("sku:A", Some("1"))
        );
        let [warning] = &product.warnings[..] else {
            panic!("{row}: {:?}", product.warnings);
        };
        assert_eq!(warning.field, field, "{row}");
        assert_eq!(warning.column.as_deref(), Some(column), "{row}");
        assert_eq!(warning.value.as_deref(), Some(value), "{row}");
    }
    let both = record("A,x,20.00,,,,,15");
    let product = counts(&mut classifier, raw(&both)).unwrap();
    assert_eq!(product.price.as_deref(), Some("20.00"));
    assert_eq!(product.sale_price.as_deref(), Some("15"));
    for none in ["A,x,20,,,,,0.00", "A,x,20,,,,,20", "A,x,20,,,,,25"] {
        let record = record(none);
        let product = counts(&mut classifier, raw(&record)).unwrap();
        assert_eq!(
            (product.sale_price, product.warnings.len()),
            (None, 0),
            "{none}"
        );
    }
}

#[test]
fn a_row_with_too_many_cells_keeps_them_all() {
    let mut classifier = classifier("sku,name,price");
    let row = record("A,Shirt,blue,9.99,,");
    let failure = counts(&mut classifier, raw(&row)).unwrap_err();
    assert_eq!(failure.cells, ["A", "Shirt", "blue", "9.99"]);
}

#[test]
fn a_failed_variant_takes_its_title_with_it() {
    let mut classifier = classifier(SHOPIFY);
    let first = record("tee,T-Shirt,Tops,Blue,S,,10,a.png");
    assert!(counts(&mut classifier, raw(&first)).is_ok());
    let failed = record("tee,,,Blue,M,,x,");
    let failure = counts(&mut classifier, raw(&failed)).unwrap_err();
    assert_eq!(failure.cells[1], "T-Shirt");
}
