import Sandbox
import Testing

@testable import Configuration

struct TenantUIDsTests {
    @Test func `a user has the tenant of the entry that holds the uid, or none`() throws {
        var uids = TenantUIDs()
        try uids.add("1000=red")
        try uids.add("2000-2999=blue.team")
        #expect(uids.tenant(of: 1000) == "red" && uids.tenant(of: 2999) == "blue.team")
        #expect(uids.tenant(of: 1999) == nil && uids.tenant(of: 0) == nil)
        #expect(uids.uids(of: "blue.team") == ["2000-2999"])
    }

    @Test(arguments: [
        "", "red", "=red", "1000", "1000=", "1000=Red", "1000=-", "0=red", "4294967295=red", "-1=red",
        "2000-1000=red", "1-2-3=red", "1000 =red", "1000=../red", "99999999999=red",
    ])
    func `what is no entry is refused`(text: String) {
        var uids = TenantUIDs()
        #expect(throws: ValueError.self) { try uids.add(text) }
        #expect(uids.entries.isEmpty)
    }

    @Test(arguments: ["1000=red", "1000=blue", "999-1001=blue"])
    func `a user is in one entry`(text: String) throws {
        var uids = TenantUIDs()
        try uids.add("1000=red")
        #expect(throws: ValueError.self) { try uids.add(text) }
    }

    @Test func `files and variables say the same`() throws {
        let (layer, errors) = SettingsReader.read(
            Array("tenants:\n  uids: [\"1000=red\", \"2000-2999=blue\"]\n".utf8), file: "f")
        #expect(errors.isEmpty)
        let settings = Settings(place: .system, layers: [layer])
        #expect(settings.tenantUIDs.tenant(of: 2500) == "blue")
        #expect(try SettingKey.tenantUIDs.read("1000=red:2000-2999=blue") == settings[.tenantUIDs].value)
        let wrong = SettingsReader.read(Array("tenants:\n  uids: [1000=red, 1000=blue]\n".utf8), file: "f")
        #expect(wrong.errors.map(\.description).joined().contains("f:2:"), "\(wrong.errors)")
    }
}
