import Access
import Sandbox
import Sessions
import TestSupport
import Testing

struct TokenTests {
    private let now: UInt64 = 1_795_305_600

    private func random(_ seed: UInt64) -> [UInt8] {
        var generator = Seeded(seed)
        return (0..<TokenText.randomBytes).map { _ in UInt8.random(in: 0...255, using: &generator) }
    }

    private func book(expires: UInt64? = nil) throws -> (TokenBook, String) {
        var book = TokenBook(instance: 7)
        let made = try book.create(
            try Name("ci"), .client, of: try Name("acme"), expires: expires, random: random(1), at: now)
        return (book, made.text)
    }

    @Test func `a token is known by its text, and is not in what is kept of it`() throws {
        let (book, text) = try book()
        let record = try book.check(text, at: now)
        #expect(record.caller == Caller(name: "token ci", role: .client, tenant: try Name("acme")))
        #expect(text.utf8.count == TokenText.length)
        let secret = try #require(text.split(separator: "_").last)
        #expect(secret.count == 64)
        #expect(!"\(book.all)".contains(secret))
    }

    @Test func `every single character of a token counts`() throws {
        let (book, text) = try book()
        for index in text.indices {
            var other = text
            other.replaceSubrange(index...index, with: text[index] == "1" ? "2" : "1")
            #expect(throws: TokenRefusal.self) { try book.check(other, at: now) }
        }
    }

    @Test func `a token that is cut short or too long is refused, and not repeated in the message`() throws {
        let (book, text) = try book()
        for count in 0..<text.count {
            let error = #expect(throws: TokenRefusal.self) {
                try book.check(String(text.prefix(count)), at: now)
            }
            guard case .malformed(let why) = error else {
                Issue.record("\(count) characters: \(String(describing: error))")
                continue
            }
            #expect(!why.contains(text.suffix(8)))
            if count > 30 { #expect(!why.contains(text.dropFirst(24).prefix(count - 24).prefix(6))) }
        }
        #expect(throws: TokenRefusal.malformed("it is too long: 90 characters; expected 89")) {
            try book.check(text + "0", at: now)
        }
        for wrong in ["corral_" + String(repeating: "_", count: 82), text.uppercased(), "Bearer \(text)", ""]
        {
            #expect(throws: TokenRefusal.self) { try book.check(wrong, at: now) }
        }
    }

    @Test func `a token of another instance is refused as such`() throws {
        let (_, text) = try book()
        #expect(throws: TokenRefusal.otherInstance) { try TokenBook(instance: 8).check(text, at: now) }
    }

    @Test func `an id without a record and a wrong secret have one answer`() throws {
        let (book, text) = try book()
        let head = text.prefix(25)
        let wrongSecret = head + String(repeating: "0", count: 64)
        let wrongID = text.prefix(16) + "00000000_" + text.suffix(64)
        #expect(throws: TokenRefusal.unknown) { try book.check(String(wrongSecret), at: now) }
        #expect(throws: TokenRefusal.unknown) { try book.check(String(wrongID), at: now) }
    }

    @Test func `a token is refused from the second on in which it expires`() throws {
        let (book, text) = try book(expires: now + 60)
        #expect(throws: Never.self) { try book.check(text, at: now + 59) }
        #expect(throws: TokenRefusal.expired(now + 60)) { try book.check(text, at: now + 60) }
        #expect(TokenRefusal.expired(now).description == "the token expired at 2026-11-22T00:00:00.000Z")
    }

    @Test func `a revoked token is refused, and its name is free`() throws {
        var (book, text) = try book()
        let name = try Name("ci")
        #expect(throws: ValueError.self) {
            try book.create(name, .client, of: try Name("acme"), random: random(2), at: now)
        }
        let revoked = book.revoke(name, at: now + 5)
        #expect(revoked?.revoked == now + 5)
        let again = book.revoke(name, at: now + 6)
        #expect(again == nil)
        #expect(throws: TokenRefusal.revoked(now + 5)) { try book.check(text, at: now + 5) }
        let second = try book.create(name, .viewer, of: try Name("acme"), random: random(2), at: now + 7)
        #expect(try book.check(second.text, at: now + 7).role == .viewer)
        // What was known before a restart is known after it.
        let restored = TokenBook(instance: 7, book.all)
        #expect(throws: TokenRefusal.revoked(now + 5)) { try restored.check(text, at: now + 8) }
        #expect(throws: Never.self) { try restored.check(second.text, at: now + 8) }
    }

    @Test func `a token that would be over when it begins is not made`() throws {
        var book = TokenBook(instance: 7)
        #expect(throws: ValueError.self) {
            try book.create(
                try Name("a"), .admin, of: .defaultTenant, expires: now, random: random(1), at: now)
        }
        #expect(book.all.isEmpty)
    }
}
