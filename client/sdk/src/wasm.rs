//! The interface that a contract's code declares in a section of its own.
use crate::types::Interface;

/// First bytes of compiled wasm: mark and version.
const HEAD: &[u8; 8] = b"\0asm\x01\0\0\0";
/// The custom section with the interface's text.
const SECTION: &[u8] = b"countersign.interface";

/// The interface that wasm declares; `None` if it is no contract.
pub fn interface(wasm: &[u8]) -> Option<Interface> {
    Interface::parse(std::str::from_utf8(section(wasm)?).ok()?).ok()
}

/// The content of the interface section.
fn section(wasm: &[u8]) -> Option<&[u8]> {
    let mut rest = wasm.strip_prefix(HEAD)?;
    while let Some((id, after)) = rest.split_first() {
        let (size, after) = number(after)?;
        let (content, after) = after.split_at_checked(size)?;
        rest = after;
        if *id == 0 {
            let (length, content) = number(content)?;
            let (name, content) = content.split_at_checked(length)?;
            if name == SECTION {
                return Some(content);
            }
        }
    }
    None
}

/// An unsigned LEB128 number of at most 32 bits (WebAssembly 1.0, 5.2.2), and what follows it.
fn number(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let mut value = 0_u64;
    for (index, byte) in bytes.iter().take(5).enumerate() {
        value |= u64::from(byte & 0x7f) << (7 * index);
        if byte & 0x80 == 0 {
            return Some((usize::try_from(value).ok()?, &bytes[index + 1..]));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_interface_section_is_found_among_others() {
        let wasm =
            [HEAD, &b"\x00\x06\x04nameA"[..], b"\x01\x02\x01\x60", b"\x00\x1a\x15countersign.interfacetext"].concat();
        assert_eq!(section(&wasm), Some(&b"text"[..]));
        // Numbers may be written longer than they need be.
        let long = [HEAD, &b"\x00\x9b\x80\x00\x95\x00countersign.interfacetext"[..]].concat();
        assert_eq!(section(&long), Some(&b"text"[..]));
    }

    #[test]
    fn bytes_that_are_no_contract_have_none() {
        let cut = [HEAD, &b"\x00\x1a\x15countersign.interfacetex"[..]].concat();
        let endless = [HEAD, &b"\x00\xff\xff\xff\xff\xff\xff"[..]].concat();
        for bytes in [&b""[..], b"\0asm", b"#!/bin/sh", HEAD, &cut, &endless] {
            assert_eq!(section(bytes), None);
        }
    }
}
