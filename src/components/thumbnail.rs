//! Small pictures of products.

use leptos::prelude::*;

use crate::model::product::{Product, ShowsImages};

/// Returns the address of a product's image, if pages show it.
pub(crate) fn shown_image(product: &Product) -> Option<&str> {
    let ShowsImages(is_on) = use_context().unwrap_or_default();
    product.shown_image().filter(|_| is_on)
}

/// The picture of a product, which comes from its shop, or the place for one. Its size is set, so that nothing moves
/// when it arrives.
#[component]
pub(crate) fn Thumbnail(
    /// The product.
    product: Product,
    /// Its width and height, in pixels.
    size: u16,
) -> impl IntoView {
    let image = shown_image(&product).map(|image| {
        view! {
            <img
                src=image.to_owned()
                alt=""
                width=size
                height=size
                loading="lazy"
                decoding="async"
                referrerpolicy="no-referrer"
            />
        }
    });
    view! { <span class="thumbnail">{image}</span> }
}
