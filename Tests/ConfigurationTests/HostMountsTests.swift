import Sandbox
import Testing

@testable import Configuration

/// Directories of the host, and whose sessions may have them.
struct HostMountsTests {
    private func mounts(_ entries: String...) throws -> HostMounts {
        var mounts = HostMounts()
        for entry in entries { try mounts.add(entry) }
        return mounts
    }

    @Test func `a directory without a name is the default tenant's alone`() throws {
        let mounts = try mounts("/srv/a", "red=/srv/r", "red,blue=/srv/rb", "*=/srv/all")
        let all = ["/srv/a", "/srv/r", "/srv/rb", "/srv/all"]
        func allowed(_ tenant: String) -> [String] { all.filter { mounts.allows($0, to: tenant) } }
        #expect(allowed("default") == ["/srv/a", "/srv/all"])
        #expect(allowed("red") == ["/srv/r", "/srv/rb", "/srv/all"])
        #expect(allowed("blue") == ["/srv/rb", "/srv/all"])
        #expect(mounts.paths(of: "blue") == ["/srv/rb", "/srv/all"])
        #expect(mounts.allows("/srv/r/below/it", to: "red") && !mounts.allows("/srv/r/below/it", to: "blue"))
        for path in ["/srv", "/srv/rbx", "/", "/etc"] {
            #expect(!mounts.allows(path, to: "red"), "\(path)")
        }
    }

    @Test
    func `of directories in each other the inner one decides, and nobody sees it through the outer one`()
        throws
    {
        let mounts = try mounts("*=/srv", "red=/srv/r", "*=/srv/r/open")
        #expect(mounts.allows("/srv/x", to: "blue") && mounts.allows("/srv/x", to: "red"))
        #expect(mounts.allows("/srv/r/x", to: "red") && !mounts.allows("/srv/r/x", to: "blue"))
        #expect(mounts.allows("/srv/r/open/x", to: "blue"))
        #expect(!mounts.allows("/srv", to: "blue") && mounts.allows("/srv", to: "red"))
    }

    @Test(arguments: [
        "", "srv", "red", "red=", "=/srv", "red/srv", "Red=/srv", "red,=/srv", ",=/srv", "*,red=/srv",
        "red=srv",
        "red=/", "red=/srv/", "red=/srv/../etc", "red==/srv", "red=/srv//a", "/srv\n",
    ])
    func `what is no entry is refused`(text: String) {
        var mounts = HostMounts()
        #expect(throws: ValueError.self) { try mounts.add(text) }
        #expect(mounts.entries.isEmpty)
    }

    @Test func `a directory is listed once, whosever it is`() throws {
        var mounts = try mounts("/srv")
        #expect(throws: ValueError.self) { try mounts.add("red=/srv") }
        #expect(mounts.entries.count == 1)
    }

    @Test func `files and variables say the same, and it is written as it was read`() throws {
        let (layer, errors) = SettingsReader.read(
            Array("mounts: [/srv/a=b, \"blue,red=/srv/r\", \"*=/srv/all\"]\n".utf8), file: "f")
        #expect(errors.isEmpty, "\(errors)")
        let settings = Settings(place: .system, layers: [layer])
        #expect(settings.hostMounts.allows("/srv/a=b", to: "default"))
        #expect(settings.list(.mounts) == ["/srv/a=b", "blue,red=/srv/r", "*=/srv/all"])
        #expect(try SettingKey.mounts.read("/srv/a=b:red,blue=/srv/r:*=/srv/all") == settings[.mounts].value)
        let again = SettingsReader.read(Array(SettingsText.yaml(settings, origins: true).utf8), file: "g")
        #expect(Settings(place: .system, layers: [again.layer]).list(.mounts) == settings.list(.mounts))
        let wrong = SettingsReader.read(Array("mounts:\n  - \"Red=/srv\"\n".utf8), file: "f")
        #expect(wrong.errors.map(\.description).joined().contains("f:2:"), "\(wrong.errors)")
    }
}
