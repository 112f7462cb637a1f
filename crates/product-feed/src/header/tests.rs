use super::*;

fn find(header: &str) -> Result<Columns, HeaderError> {
    let cells: Vec<_> = header
        .split(',')
        .map(|cell| cell.trim().to_owned())
        .collect();
    Columns::find(&cells, None)
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
    assert_eq!(columns.shape, Shape::Shopify);
    assert_eq!(
        (columns.handle, columns.name, columns.kind),
        (Some(0), Some(1), None)
    );
    assert_eq!(
        (columns.options, columns.sku, columns.price),
        (vec![6, 8], Some(9), Some(10))
    );
    assert_eq!((columns.gtin, columns.barcode), (None, Some(12)));
}

#[test]
fn a_woocommerce_header_is_understood() {
    let columns = find(
        "ID,Type,SKU,Name,Description,Sale price,Regular price,Parent,Attribute 1 name,\
         Attribute 1 value(s),Attribute 1 visible,Attribute 2 name,Attribute 2 value(s)",
    )
    .unwrap();
    assert_eq!(columns.shape, Shape::Plain);
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
fn google_s_id_is_a_sku() {
    let columns = find("id,title,description,link,image_link,availability,price,gtin").unwrap();
    assert_eq!((columns.shape, columns.sku), (Shape::Google, Some(0)));
    assert_eq!((columns.url, columns.availability), (Some(3), Some(5)));
    assert_eq!(columns.image, Some(4));
    let columns = find("id,title,price,link,images").unwrap();
    assert_eq!((columns.shape, columns.image), (Shape::Plain, Some(4)));
    let columns = find("id,name,price,url").unwrap();
    assert_eq!((columns.shape, columns.sku), (Shape::Plain, None));
}

#[test]
fn a_mapping_says_everything() {
    let cells = ["a", "price", "c"].map(str::to_owned).to_vec();
    let mapping = Mapping::new([(0, Meaning::Sku), (2, Meaning::Price)]);
    let header = Header::find(cells, Some(&mapping)).unwrap();
    assert_eq!(
        header.meanings(),
        [Some(Meaning::Sku), None, Some(Meaning::Price)]
    );
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
