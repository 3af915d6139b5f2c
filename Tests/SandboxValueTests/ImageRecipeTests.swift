import Testing

@testable import Sandbox

@Suite struct ImageRecipeTests {
    private static let text = """
        description: Python
        build:
          suite: bookworm
          packages: [dash, libstdc++6, python3=3.11.2-1+b1]
          exclude:
            - /usr/share/doc\n
        """

    @Test func `a recipe has a suite, packages and what is left out`() throws {
        let recipe = try decode(ImageRecipeTests.text)
        #expect(
            recipe
                == ImageRecipe(
                    name: "x", description: "Python", suite: "bookworm",
                    packages: ["dash", "libstdc++6", "python3=3.11.2-1+b1"], exclude: ["/usr/share/doc"]))
    }

    @Test(arguments: ["python", "node"])
    func `the shipped recipes are recipes, with a shell`(name: String) throws {
        let bytes = try repositoryFile("images/\(name).yaml")
        #expect(ImageRecipe.isWritten(in: bytes))
        let recipe = try ImageRecipe.decode(bytes, file: "images/\(name).yaml")
        #expect(recipe.name == name && recipe.packages.contains("dash"))
        #expect(recipe.packages == recipe.packages.sorted(), "sorted, so that changes of the list are seen")
    }

    @Test func `an image is not taken for a recipe`() throws {
        #expect(!ImageRecipe.isWritten(in: try repositoryFile("images/host.yaml")))
        #expect(
            !ImageRecipe.isWritten(in: Array("description: x\nfiles:\n  - content: |\n      build: x\n".utf8))
        )
        #expect(ImageRecipe.isWritten(in: Array("build:\n".utf8)))
    }

    @Test(arguments: [
        ("suite: bookworm", "suite: Bookworm", "build.suite: \"Bookworm\" is not a suite"),
        ("suite: bookworm", "suite: --help", "build.suite: \"--help\" is not a suite"),
        ("suite: bookworm", "suite: \"\"", "build.suite: \"\" is not a suite"),
        ("  suite: bookworm\n", "", "build.suite: is missing; it has no default"),
        ("[dash, libstdc++6, python3=3.11.2-1+b1]", "[]", "build.packages: is empty"),
        ("dash", "--option", "build.packages[0]: \"--option\" is not a package"),
        ("dash", "./x.deb", "build.packages[0]: \"./x.deb\" is not a package"),
        ("dash", "\"?essential\"", "build.packages[0]: \"?essential\" is not a package"),
        ("dash", "\"a,b\"", "build.packages[0]: \"a,b\" is not a package"),
        ("dash", "dash/trixie", "build.packages[0]: \"dash/trixie\" is not a package"),
        ("dash", "dash=", "build.packages[0]: \"dash=\" has no version behind ="),
        ("dash", "\"dash=1 2\"", "build.packages[0]: \"dash=1 2\" has no version behind ="),
        ("/usr/share/doc", "/usr/*", "build.exclude[0]: \"/usr/*\" holds \"*\""),
        ("/usr/share/doc", "usr", "build.exclude[0]: \"usr\" is not an absolute path"),
        ("/usr/share/doc", "/usr/../etc", "build.exclude[0]: \"/usr/../etc\" is not in normal form"),
        ("suite:", "suit:", "build.suit: is not a key here; did you mean suite?"),
        ("description: Python", "hostname: h", "hostname: is not a key here"),
    ])
    func `a wrong recipe is refused where it is wrong`(part: String, wrong: String, says: String) throws {
        let parts = ImageRecipeTests.text.split(
            separator: part, maxSplits: 1, omittingEmptySubsequences: false)
        let text = parts.joined(separator: wrong)
        try #require(text != ImageRecipeTests.text)
        let error = #expect(throws: ConfigError.self) { try decode(text) }
        let said = error.map { "\($0.key): \($0.problem)" } ?? ""
        #expect(said.hasPrefix(says), "\(said)")
    }

    @Test func `a list of more than a thousand packages is refused`() {
        let list = (0...1000).map { "p\($0)x" }.joined(separator: ", ")
        let error = #expect(throws: ConfigError.self) {
            try decode("description: x\nbuild: { suite: bookworm, packages: [\(list)] }\n")
        }
        #expect(error?.problem == "has 1001 items; expected at most 1000")
    }

    private func decode(_ text: String) throws(ConfigError) -> ImageRecipe {
        try ImageRecipe.decode(Array(text.utf8), file: "images/x.yaml")
    }
}
