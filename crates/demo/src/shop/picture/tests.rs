//! Pictures exist and obey the content security policy.

use super::*;
use crate::catalogue::PRODUCTS;

#[test]
fn every_product_has_its_own_picture() {
    for product in &PRODUCTS {
        let picture = of(&product.id);
        assert_ne!(picture, of("unknown"), "{}", product.id);
        assert!(!picture.contains("style="), "the content security policy allows no inline style");
    }
}
