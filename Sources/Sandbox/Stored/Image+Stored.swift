// What an image file says, without the YAML; see the profile's.

extension Image {
    package func store(in writer: inout StoredWriter) {
        writer.text(name)
        writer.text(description)
        writer.text(hostname)
        writer.text(workspace)
        writer.flag(tree != nil)
        if let tree { writer.text(tree) }
        writer.word(UInt32(binds.count))
        for bind in binds {
            writer.text(bind.path)
            writer.flag(bind.optional)
        }
        writer.word(UInt32(files.count))
        for file in files {
            writer.text(file.path)
            writer.word(file.mode)
            writer.text(file.content)
        }
        writer.word(UInt32(symlinks.count))
        for link in symlinks {
            writer.text(link.path)
            writer.text(link.target)
        }
        writer.word(UInt32(tmpfs.count))
        for entry in tmpfs {
            writer.text(entry.path)
            writer.long(entry.size)
            writer.word(entry.files)
            writer.word(entry.mode)
            writer.flag(entry.executable)
        }
        writer.word(UInt32(devices.count))
        for device in devices {
            writer.text(device.name)
            writer.word(device.major)
            writer.word(device.minor)
        }
        writer.word(UInt32(masked.count))
        for path in masked { writer.text(path) }
    }

    package init(from reader: inout StoredReader) throws(StoredProblem) {
        self.init(
            name: try reader.text(), description: try reader.text(), hostname: try reader.text(),
            workspace: try reader.text(), binds: [], files: [], symlinks: [], tmpfs: [], devices: [],
            masked: [])
        if try reader.flag() { tree = try reader.text() }
        for _ in 0..<(try reader.word()) {
            binds.append(Bind(path: try reader.text(), optional: try reader.flag()))
        }
        for _ in 0..<(try reader.word()) {
            files.append(File(path: try reader.text(), mode: try reader.word(), content: try reader.text()))
        }
        for _ in 0..<(try reader.word()) {
            symlinks.append(Symlink(path: try reader.text(), target: try reader.text()))
        }
        for _ in 0..<(try reader.word()) {
            tmpfs.append(
                Tmpfs(
                    path: try reader.text(), size: try reader.long(), files: try reader.word(),
                    mode: try reader.word(), executable: try reader.flag()))
        }
        for _ in 0..<(try reader.word()) {
            devices.append(
                Device(name: try reader.text(), major: try reader.word(), minor: try reader.word()))
        }
        for _ in 0..<(try reader.word()) { masked.append(try reader.text()) }
    }
}
