// What clients without a name say of themselves: the header with their token; and addresses of TCP.

import Access
import Network
import Sandbox
import Sessions

/// Input: a header field `Authorization`, and as well a token and an address.
func checkTokens(_ bytes: [UInt8]) throws(FuzzFailure) {
    let text = String(decoding: bytes, as: UTF8.self)
    for candidate in [TokenText.bearer(text), text] {
        guard let candidate else { continue }
        try checkToken(candidate)
    }
    guard let address = TCPAddress(text) else { return }
    try hold(TCPAddress(address.description) == address, "written it is another address")
    try hold([4, 16].contains(address.bytes.count), "an address of \(address.bytes.count) bytes")
}

private func checkToken(_ text: String) throws(FuzzFailure) {
    let token: TokenText
    do throws(ValueError) {
        token = try TokenText(text)
    } catch {
        // The message may end up in a log.
        let isTold = text.utf8.count > 40 && error.problem.contains(text.suffix(16))
        try hold(!isTold, "the refusal repeats what was given")
        return
    }
    try hold(token.text == text && text.utf8.count == TokenText.length, "another token than was given")
    let book = TokenBook(instance: token.instance)
    do throws(TokenRefusal) {
        _ = try book.check(text, at: 0)
    } catch {
        return try hold(error == .unknown, "refused otherwise than as unknown: \(error)")
    }
    throw FuzzFailure("a book without tokens takes one")
}
