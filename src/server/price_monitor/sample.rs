//! Generates product files of any length, for benchmarks, tests and trying out.

use std::io::{self, Write};

use clap::ValueEnum;

/// The kind of a generated file.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub enum Shape {
    /// Twelve columns.
    Plain,
    /// Shopify: handles with three variants each, and image rows.
    Shopify,
    /// WooCommerce: parents with two variations each.
    Woocommerce,
    /// Google Merchant Center, tab-separated.
    Google,
    /// Google Merchant Center, RSS 2.0.
    GoogleXml,
}

const COLOURS: [&str; 5] = ["Blue", "Red", "Green", "Black", "Sand"];
const THINGS: [&str; 6] = ["Shirt", "Mug", "Lamp", "Chair", "Notebook", "Scarf"];
const SIZES: [&str; 3] = ["S", "M", "L"];

/// Writes a file of `rows` rows, deterministically.
pub fn write(to: &mut impl Write, shape: Shape, rows: u64) -> io::Result<()> {
    match shape {
        Shape::Plain => plain(to, rows),
        Shape::Shopify => shopify(to, rows),
        Shape::Woocommerce => woocommerce(to, rows),
        Shape::Google => google(to, rows),
        Shape::GoogleXml => google_xml(to, rows),
    }
}

/// Hashes a row number, so that neighbours differ.
fn mixed(row: u64) -> u64 {
    let mut value = row.wrapping_add(0x9E37_79B9_7F4A_7C15);
    value = (value ^ (value >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    value = (value ^ (value >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    value ^ (value >> 31)
}

fn pick<'a>(from: &[&'a str], number: u64) -> &'a str {
    let index = usize::try_from(number % from.len() as u64).unwrap_or_default();
    from.get(index).copied().unwrap_or_default()
}

struct Product {
    name: String,
    price: String,
    gtin: String,
    stock: u64,
}

impl Product {
    fn of(row: u64) -> Self {
        let mix = mixed(row);
        let digits = format!("40{:010}", row % 10_000_000_000);
        let sum: u64 = digits
            .bytes()
            .zip([1, 3].into_iter().cycle())
            .map(|(digit, weight)| u64::from(digit - b'0') * weight)
            .sum();
        Self {
            name: format!("{} {} {row}", pick(&COLOURS, mix), pick(&THINGS, mix / 7)),
            price: format!("{}.{:02}", 1 + mix % 500, mix / 500 % 100),
            gtin: format!("{digits}{}", (10 - sum % 10) % 10),
            stock: mix / 11 % 200,
        }
    }
}

fn plain(to: &mut impl Write, rows: u64) -> io::Result<()> {
    writeln!(
        to,
        "SKU,Name,Price,Currency,EAN,Stock,Availability,URL,Brand,Category,Weight,Description"
    )?;
    for row in 1..=rows {
        let product = Product::of(row);
        writeln!(
            to,
            "SKU-{row:08},{},{},EUR,{},{},in stock,https://shop.example.com/p/{row},Brand {},{} > {},{}.{},\"Made for the day, and for row {row}\"",
            product.name,
            product.price,
            product.gtin,
            product.stock,
            row % 97,
            pick(&THINGS, row),
            pick(&COLOURS, row / 3),
            row % 20,
            row % 10,
        )?;
    }
    Ok(())
}

fn shopify(to: &mut impl Write, rows: u64) -> io::Result<()> {
    writeln!(
        to,
        "Handle,Title,Body (HTML),Vendor,Type,Option1 Name,Option1 Value,Option2 Name,Option2 Value,Variant SKU,Variant Inventory Qty,Variant Price,Variant Barcode,Image Src,Image Position"
    )?;
    for row in 0..rows {
        let (handle, within) = (row / 4, row % 4);
        let product = Product::of(handle);
        match within {
            0 => writeln!(
                to,
                "item-{handle},{},\"<p>Soft,\nlight</p>\",Maker,Clothing,Size,S,Colour,{},,{},{},,https://cdn.example.com/{handle}.jpg,1",
                product.name,
                pick(&COLOURS, handle),
                product.stock,
                product.price,
            )?,
            3 => writeln!(
                to,
                "item-{handle},,,,,,,,,,,,,https://cdn.example.com/{handle}-2.jpg,2"
            )?,
            _ => writeln!(
                to,
                "item-{handle},,,,,,{},,{},,{},{},,,",
                pick(&SIZES, within),
                pick(&COLOURS, handle),
                product.stock,
                product.price,
            )?,
        }
    }
    Ok(())
}

fn woocommerce(to: &mut impl Write, rows: u64) -> io::Result<()> {
    writeln!(
        to,
        "ID,Type,SKU,Name,Published,In stock?,Stock,Sale price,Regular price,Categories,Parent,Attribute 1 name,Attribute 1 value(s)"
    )?;
    for row in 0..rows {
        let (parent, within) = (row / 3, row % 3);
        let product = Product::of(parent);
        let id = row + 1;
        if within == 0 {
            writeln!(
                to,
                "{id},variable,item-{parent},{},1,1,,,,Clothing,,Size,\"S, M\"",
                product.name
            )?;
        } else {
            writeln!(
                to,
                "{id},variation,,\"{} - {size}\",1,1,{},,{},,item-{parent},Size,{size}",
                product.name,
                product.stock,
                product.price,
                size = pick(&SIZES, within - 1),
            )?;
        }
    }
    Ok(())
}

fn google(to: &mut impl Write, rows: u64) -> io::Result<()> {
    writeln!(
        to,
        "id\ttitle\tdescription\tlink\timage_link\tavailability\tprice\tgtin\tbrand\tcondition"
    )?;
    for row in 1..=rows {
        let product = Product::of(row);
        writeln!(
            to,
            "G-{row}\t{}\tMade for row {row}\thttps://shop.example.com/p/{row}\thttps://cdn.example.com/{row}.jpg\tin_stock\t{} EUR\t{}\tBrand\tnew",
            product.name, product.price, product.gtin
        )?;
    }
    Ok(())
}

fn google_xml(to: &mut impl Write, rows: u64) -> io::Result<()> {
    writeln!(
        to,
        "<?xml version=\"1.0\"?>\n<rss xmlns:g=\"http://base.google.com/ns/1.0\" version=\"2.0\">\n<channel>\n<title>Shop</title>"
    )?;
    for row in 1..=rows {
        let product = Product::of(row);
        writeln!(
            to,
            "<item><g:id>G-{row}</g:id><g:title>{}</g:title><g:link>https://shop.example.com/p/{row}?a=1&amp;b=2</g:link><g:image_link>https://cdn.example.com/{row}.jpg</g:image_link><g:availability>in_stock</g:availability><g:price>{} EUR</g:price><g:gtin>{}</g:gtin></item>",
            product.name, product.price, product.gtin
        )?;
    }
    writeln!(to, "</channel>\n</rss>")
}
