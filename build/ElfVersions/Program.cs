// Copies a library and makes the need for one version of a symbol weak in the copy:
//   ElfVersions <library> <sha256> <version> <copy> <sha256 of the copy>
// A library with another hash than the one given is copied unchanged: what is not known is not edited. A copy with another hash is an
// error.
using System.Security.Cryptography;
using MemLoad.ElfVersions;

if (args is not [string library, string expected, string version, string copy, string expectedCopy])
{
    Console.Error.WriteLine("usage: ElfVersions <library> <sha256> <version> <copy> <sha256 of the copy>");
    return 2;
}
byte[] file = File.ReadAllBytes(library);
if (Convert.ToHexStringLower(SHA256.HashData(file)) == expected)
{
    ElfFile.MakeVersionWeak(file, version);
    string hash = Convert.ToHexStringLower(SHA256.HashData(file));
    if (hash != expectedCopy)
    {
        Console.Error.WriteLine($"{copy}: the SHA-256 of the edited copy is {hash}, not {expectedCopy}.");
        return 1;
    }
}
else
{
    Console.WriteLine($"{library} is not the file that is known. It is copied unchanged.");
}
Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(copy))!);
File.WriteAllBytes(copy, file);
return 0;
