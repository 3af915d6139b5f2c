import Images
import Testing

/// Names of platforms.
@Suite struct PlatformTests {
    @Test(arguments: ["linux/amd64", "linux/arm64/v8", "windows/amd64"])
    func `a platform is written as it was read`(text: String) throws {
        #expect(try Platform(text).description == text)
    }

    @Test(arguments: ["", "linux", "linux/", "/amd64", "a/b/c/d", "linux//v8"])
    func `what is no platform says what was expected`(text: String) {
        #expect(throws: ImageError.self) { try Platform(text) }
    }

    @Test func `this machine's is the one that Linux images are for`() {
        #expect(Platform.own.description == "linux/amd64" || Platform.own.description == "linux/arm64")
    }
}
