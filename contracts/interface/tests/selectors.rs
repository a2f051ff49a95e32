//! Selectors are what signatures bind: a changed one voids what was signed before.
#[path = "../../../tests/vectors/frozen.rs"]
mod frozen;

use countersign_interface::{contracts, native};

#[test]
fn selectors_of_all_methods_are_frozen() {
    let mut lines = String::from("# Module, method, selector.\n");
    for interface in native().into_iter().chain(contracts()) {
        for (index, method) in interface.methods.iter().enumerate() {
            let selector: String = interface.selector(index).0.iter().map(|byte| format!("{byte:02x}")).collect();
            lines += &format!("{} {} {selector}\n", interface.module, method.name);
        }
    }
    frozen::check("selectors.txt", &lines);
}
