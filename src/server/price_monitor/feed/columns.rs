//! Which column of a file holds what, told from its header row.

use thiserror::Error;

/// What a column can hold.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Meaning {
    Sku,
    Name,
    Price,
    SalePrice,
    Handle,
    Parent,
    Type,
    Gtin,
    Id,
}

/// The names columns go by, without spaces and punctuation and in lower case. Of several columns
/// with one meaning the one whose name stands first here is taken: a file that has a `price` and a
/// `net price` means the former.
#[rustfmt::skip] // one name a line would hide the table
const NAMES: &[(Meaning, &[&str])] = &[
    (
        Meaning::Sku,
        &[
            "sku", "variantsku", "productsku", "itemsku", "skucode", "stockkeepingunit",
            "productcode", "itemcode", "articlecode", "stockcode", "productnumber", "productno",
            "itemnumber", "itemno", "articlenumber", "articleno", "partnumber", "partno",
            "ordernumber", "merchantsku", "sellersku", "internalreference", "reference", "code",
            "artikelnummer", "artikelnr", "artnr", "produktnummer", "produktnr", "produktcode",
            "bestellnummer", "referenz", "référence", "codearticle", "codeproduit", "referencia",
            "código", "codigo", "codice", "codiceprodotto", "codicearticolo", "artikelcode",
            "productnummer", "varenummer", "varenr",
        ],
    ),
    (
        Meaning::Name,
        &[
            "name", "title", "productname", "producttitle", "itemname", "itemtitle", "articlename",
            "product", "item", "article", "produktname", "produkttitel", "artikelname",
            "artikelbezeichnung", "produktbezeichnung", "bezeichnung", "titel", "produkt",
            "artikel", "nom", "nomduproduit", "titre", "produit", "désignation", "designation",
            "libellé", "nombre", "nombredelproducto", "título", "titulo", "producto", "nome",
            "nomeprodotto", "titolo", "prodotto", "naam", "productnaam", "navn", "produktnavn",
            "namn", "description", "productdescription", "beschreibung",
        ],
    ),
    (
        Meaning::Price,
        &[
            "price", "variantprice", "regularprice", "productprice", "itemprice", "unitprice",
            "sellingprice", "retailprice", "listprice", "currentprice", "grossprice",
            "priceincltax", "priceinclvat", "pricetaxincluded", "netprice", "priceexcltax",
            "priceexclvat", "pricetaxexcluded", "basicprice", "baseprice", "msrp", "rrp", "preis",
            "verkaufspreis", "vkpreis", "vk", "einzelpreis", "stückpreis", "bruttopreis",
            "listenpreis", "nettopreis", "uvp", "prix", "prixdevente", "prixunitaire", "prixttc",
            "prixht", "precio", "preciodeventa", "prezzo", "prezzodivendita", "preço", "preco",
            "prijs", "verkoopprijs", "pris", "cena",
        ],
    ),
    (
        Meaning::SalePrice,
        &["saleprice", "salesprice", "specialprice", "angebotspreis"],
    ),
    (Meaning::Handle, &["handle", "urlhandle", "producthandle"]),
    (Meaning::Parent, &["parent", "parentsku"]),
    (Meaning::Type, &["type", "producttype"]),
    (
        Meaning::Gtin,
        &[
            "gtin", "gtinupceanorisbn", "ean", "ean13", "gtin13", "upc", "barcode",
            "variantbarcode", "isbn",
        ],
    ),
    (
        Meaning::Id,
        &[
            "variantid", "id", "productid", "itemid", "articleid", "produktid", "artikelid",
        ],
    ),
];

/// The header row does not tell what a product needs. The text is for people.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
pub(crate) enum HeaderError {
    /// Nothing in it is known.
    #[error(
        "The first row of the file names no product columns. Looked for are a SKU (for example \
         \"SKU\", \"Variant SKU\", \"Product code\", \"Item number\"), a name (\"Name\", \
         \"Title\", \"Product name\") and a price (\"Price\", \"Regular price\", \"Variant price\")."
    )]
    Unknown,
    /// No column tells one product from another.
    #[error(
        "The first row of the file names no column that tells products apart. Looked for are a SKU \
         (for example \"SKU\", \"Variant SKU\", \"Product code\", \"Item number\"), a \"Handle\", a \
         \"Barcode\" or an \"ID\"."
    )]
    NoIdentity,
    /// There is no price.
    #[error(
        "The first row of the file names no price column. Looked for is for example \"Price\", \
         \"Regular price\", \"Variant price\" or \"Unit price\"."
    )]
    NoPrice,
}

/// The columns of a file that matter, as indices from 0.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) struct Columns {
    /// How many there are in all.
    pub(super) count: usize,
    pub(super) sku: Option<usize>,
    pub(super) name: Option<usize>,
    pub(super) price: Option<usize>,
    /// Stands in where a row has no price.
    pub(super) sale_price: Option<usize>,
    /// What Shopify calls a product; its variants share it.
    pub(super) handle: Option<usize>,
    /// The values of the options that tell a handle's variants apart, in order.
    pub(super) options: Vec<usize>,
    /// What WooCommerce calls the product that a variation belongs to.
    pub(super) parent: Option<usize>,
    /// The values of the attributes that tell a parent's variations apart, in order.
    pub(super) attributes: Vec<usize>,
    /// The kind of product. Never set beside a handle: Shopify's type is any word.
    pub(super) kind: Option<usize>,
    pub(super) gtin: Option<usize>,
    pub(super) id: Option<usize>,
}

impl Columns {
    /// Tells the columns from the header row's cells.
    ///
    /// # Errors
    ///
    /// When nothing would tell products apart, or there is no price.
    pub(super) fn find<'a>(header: impl Iterator<Item = &'a str>) -> Result<Self, HeaderError> {
        let mut columns = Self::default();
        let mut ranks = [usize::MAX; NAMES.len()];
        for (index, cell) in header.enumerate() {
            columns.count = index + 1;
            let name = normalized(cell);
            if is_numbered(&name, "option", "value") {
                columns.options.push(index);
            } else if is_numbered(&name, "attribute", "values") {
                columns.attributes.push(index);
            } else if let Some((entry, rank)) = look_up(&name).or_else(|| look_up_short(cell))
                && rank < ranks[entry]
            {
                ranks[entry] = rank;
                *columns.slot(NAMES[entry].0) = Some(index);
            }
        }
        if columns.handle.is_some() {
            columns.kind = None;
        }
        columns.checked()
    }

    fn slot(&mut self, meaning: Meaning) -> &mut Option<usize> {
        match meaning {
            Meaning::Sku => &mut self.sku,
            Meaning::Name => &mut self.name,
            Meaning::Price => &mut self.price,
            Meaning::SalePrice => &mut self.sale_price,
            Meaning::Handle => &mut self.handle,
            Meaning::Parent => &mut self.parent,
            Meaning::Type => &mut self.kind,
            Meaning::Gtin => &mut self.gtin,
            Meaning::Id => &mut self.id,
        }
    }

    fn checked(self) -> Result<Self, HeaderError> {
        let identity = self
            .sku
            .or(self.handle)
            .or(self.parent)
            .or(self.gtin)
            .or(self.id);
        match (identity, self.price.or(self.sale_price), self.name) {
            (Some(_), Some(_), _) => Ok(self),
            (None, None, None) => Err(HeaderError::Unknown),
            (None, ..) => Err(HeaderError::NoIdentity),
            (Some(_), None, _) => Err(HeaderError::NoPrice),
        }
    }
}

/// Finds a name in the table: the entry and the rank within it.
fn look_up(name: &str) -> Option<(usize, usize)> {
    NAMES.iter().enumerate().find_map(|(entry, (_, names))| {
        names
            .iter()
            .position(|known| *known == name)
            .map(|rank| (entry, rank))
    })
}

/// Finds a name without its remark. Any name without one is better.
fn look_up_short(cell: &str) -> Option<(usize, usize)> {
    let (entry, rank) = look_up(&normalized(without_remark(cell)))?;
    Some((entry, NAMES[entry].1.len() + rank))
}

/// Drops case, spaces, underscores and punctuation.
fn normalized(name: &str) -> String {
    name.chars()
        .filter(|character| character.is_alphanumeric())
        .flat_map(char::to_lowercase)
        .collect()
}

/// Drops a remark at the end: the `(EUR)` of `Price (EUR)`, the `[net]` of `Price [net]`.
fn without_remark(name: &str) -> &str {
    name.find(['(', '[']).map_or(name, |start| &name[..start])
}

/// Whether a name is `before`, a number, and `after`.
fn is_numbered(name: &str, before: &str, after: &str) -> bool {
    name.strip_prefix(before)
        .and_then(|rest| rest.strip_suffix(after))
        .is_some_and(|number| {
            !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())
        })
}

#[cfg(test)]
mod tests {

    use super::*;

    fn find(header: &str) -> Result<Columns, HeaderError> {
        Columns::find(header.split(','))
    }

    #[test]
    fn a_column_goes_by_any_of_its_names() {
        for header in [
            "sku,name,price",
            "SKU,Name,Price",
            " Variant SKU ,Product_Name,variant-price",
            "Product code,title,Unit price",
            "Item number,Description,Price (EUR)",
            "Artikelnummer,Bezeichnung,Preis [netto]",
            "Référence,Désignation,Prix",
        ] {
            let columns = find(header).unwrap();
            let found = (columns.sku, columns.name, columns.price, columns.count);
            assert_eq!(found, (Some(0), Some(1), Some(2), 3), "{header}");
        }
    }

    #[test]
    fn the_better_name_wins_wherever_it_stands() {
        let columns = find("description,price (net),code,price,name,sku,price").unwrap();
        assert_eq!(
            (columns.sku, columns.name, columns.price),
            (Some(5), Some(4), Some(3))
        );
    }

    #[test]
    fn a_shopify_header_is_understood() {
        let columns = find(
            "Handle,Title,Body (HTML),Vendor,Type,Option1 Name,Option1 Value,Option2 Name,\
             Option2 Value,Variant SKU,Variant Price,Variant Compare At Price,Variant Barcode",
        )
        .unwrap();
        assert_eq!(
            (columns.handle, columns.name, columns.kind),
            (Some(0), Some(1), None)
        );
        assert_eq!(
            (columns.options, columns.sku, columns.price),
            (vec![6, 8], Some(9), Some(10))
        );
        assert_eq!(columns.gtin, Some(12));
    }

    #[test]
    fn a_woocommerce_header_is_understood() {
        let columns = find(
            "ID,Type,SKU,Name,Description,Sale price,Regular price,Parent,Attribute 1 name,\
             Attribute 1 value(s),Attribute 1 visible,Attribute 2 name,Attribute 2 value(s)",
        )
        .unwrap();
        assert_eq!(
            (columns.id, columns.kind, columns.sku),
            (Some(0), Some(1), Some(2))
        );
        assert_eq!(
            (columns.name, columns.sale_price, columns.price),
            (Some(3), Some(5), Some(6))
        );
        assert_eq!((columns.parent, columns.attributes), (Some(7), vec![9, 12]));
    }

    #[test]
    fn a_header_without_what_a_product_needs_is_refused() {
        for (header, error) in [
            ("", HeaderError::Unknown),
            ("A-1,Shirt,9.99", HeaderError::Unknown),
            ("first name,last name,city", HeaderError::Unknown),
            ("name,price", HeaderError::NoIdentity),
            ("name", HeaderError::NoIdentity),
            ("sku,name", HeaderError::NoPrice),
            ("handle,title", HeaderError::NoPrice),
        ] {
            assert_eq!(find(header), Err(error), "{header}");
        }
    }

    #[test]
    fn no_name_means_two_things() {
        let mut names: Vec<_> = NAMES.iter().flat_map(|(_, names)| names.iter()).collect();
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), count);
        assert!(names.iter().all(|name| normalized(name) == **name));
    }
}
