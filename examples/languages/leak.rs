// SPDX-License-Identifier: LGPL-3.0-or-later
//
// Two nodes that hold each other are never dropped. One of the two should be held by a Weak.
//
//     rustc -g leak.rs
//     log-malloc -o leak.trace ./leak
//     log-malloc-findleak leak.trace
//
// With the tracker linked in, as a static program:
//
//     rustc -g -C target-feature=+crt-static leak.rs \
//         $(pkg-config --static --libs log-malloc2-wrap | xargs -n 1 printf ' -C link-arg=%s')
//     LOG_MALLOC_OUTPUT=leak.trace ./leak

use std::cell::RefCell;
use std::rc::Rc;

struct Node {
    number: u32,
    other: RefCell<Option<Rc<Node>>>,
}

impl Node {
    fn new(number: u32) -> Rc<Node> {
        let other = RefCell::new(None);
        Rc::new(Node { number, other }) // leaks
    }

    fn link(&self, other: &Rc<Node>) {
        *self.other.borrow_mut() = Some(Rc::clone(other));
    }
}

fn main() {
    let first = Node::new(1);
    let second = Node::new(2);

    first.link(&second);
    second.link(&first);
    println!("{} and {}", first.number, second.number);
}
