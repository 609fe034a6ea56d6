using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using MemLoad.Tests.Checkpoints;
using MemLoad.Tests.Windows;

namespace MemLoad.Tests.Remote;

/// <summary>
/// Servers with incorrect answers. Each is refused by its rule, and no secret of an address or of the environment is shown.
/// </summary>
public sealed class MisbehavingServerTests : IDisposable
{
    // The file is longer than the first piece, so that a second request follows.
    private static readonly byte[] LongHeader = CheckpointKit.SafetensorsOfBytes([
        .. Enumerable.Range(0, 2_000).Select(i => ($"tensor.number.{i}", 100)),
    ]);

    private readonly string? _token = Environment.GetEnvironmentVariable("HF_TOKEN");
    private readonly string? _endpoint = Environment.GetEnvironmentVariable("HF_ENDPOINT");
    private readonly string? _offline = Environment.GetEnvironmentVariable("HF_HUB_OFFLINE");
    private readonly string? _cache = Environment.GetEnvironmentVariable("HF_HUB_CACHE");
    private readonly TemporaryFolder _folder = new();

    public void Dispose()
    {
        Environment.SetEnvironmentVariable("HF_TOKEN", _token);
        Environment.SetEnvironmentVariable("HF_ENDPOINT", _endpoint);
        Environment.SetEnvironmentVariable("HF_HUB_CACHE", _cache);
        Environment.SetEnvironmentVariable("HF_HUB_OFFLINE", _offline);
        _folder.Dispose();
    }

    [Theory]
    [InlineData(400, "Check the address")]
    [InlineData(401, "HF_TOKEN")]
    [InlineData(403, "HF_TOKEN")]
    [InlineData(404, "spelling")]
    [InlineData(410, "spelling")]
    [InlineData(416, "Check the address")]
    [InlineData(429, "busy")]
    [InlineData(500, "Check the address")]
    [InlineData(503, "busy")]
    [InlineData(204, "Check the address")]
    [InlineData(304, "Check the address")]
    public void A_status_without_a_file_is_named(int status, string remedy)
    {
        using var server = new LocalServer(_ => new Reply(status, [], ("Retry-After", "3600")));

        MemLoadException refusal = Refused("ML5204", server["m.safetensors"]);

        Assert.StartsWith($"the server answers {status} (Answer)", refusal.Finding, StringComparison.Ordinal);
        Assert.Contains(remedy, refusal.Remedy, StringComparison.Ordinal);
        Assert.Single(server.Requests);
    }

    [Fact]
    public void The_error_for_a_busy_server_states_when_to_try_again()
    {
        using var server = new LocalServer(_ => new Reply(429, [], ("Retry-After", "170")));

        Assert.Contains("after 170 s", Refused("ML5204", server["m.safetensors"]).Remedy, StringComparison.Ordinal);
        Assert.Single(server.Requests);
    }

    [Theory]
    [InlineData(429, "0")]
    [InlineData(503, "Wed, 21 Oct 2015 07:28:00 GMT")]
    public void A_request_to_a_briefly_busy_server_is_repeated(int status, string retryAfter)
    {
        byte[] file = CheckpointKit.SafetensorsOfBytes(("a", 3));
        int asked = 0;
        using var server = new LocalServer(
            _ => ++asked <= 3 ? new Reply(status, [], ("Retry-After", retryAfter)) : new Reply(200, file));

        Assert.Single(Checkpoint.Open(server["m.safetensors"]).Tensors);
        Assert.Equal(4, server.Requests.Count);
    }

    [Fact]
    public void A_server_that_stays_busy_gets_four_requests()
    {
        using var server = new LocalServer(_ => new Reply(503, [], ("Retry-After", "0")));

        Refused("ML5204", server["m.safetensors"]);

        Assert.Equal(4, server.Requests.Count);
    }

    [Fact]
    public void A_server_without_ranges_is_refused_and_the_file_is_not_read()
    {
        byte[] file = new byte[64 << 20];
        using var server = new LocalServer(_ => new Reply(200, file));

        Refused("ML5205", server["m.safetensors"]);

        Assert.Single(server.Requests);
    }

    [Fact]
    public void A_server_without_ranges_and_without_a_length_is_refused()
    {
        using var server = new LocalServer(_ => new Reply(200, LongHeader) { StatedLength = -1 });

        Refused("ML5205", server["m.safetensors"]);
    }

    [Fact]
    public void A_short_file_that_is_sent_as_a_whole_is_read()
    {
        byte[] file = CheckpointKit.SafetensorsOfBytes(("a", 3));
        using var server = new LocalServer(_ => new Reply(200, file));

        Assert.Single(Checkpoint.Open(server["m.safetensors"]).Tensors);
    }

    public static TheoryData<string, string> Answers =>
        new()
        {
            { "no Content-Range", "ML5206" },
            { "another start", "ML5206" },
            { "a longer range", "ML5206" },
            { "a shorter range", "ML5206" },
            { "a range of no length", "ML5206" },
            { "no bytes", "ML5206" },
            { "a length of the range's own", "ML5206" },
            { "several ranges", "ML5206" },
            { "a negative range", "ML5206" },
            { "a range beyond the file", "ML5206" },
            { "a body that is too long", "ML5206" },
            { "a body that is too short", "ML5206" },
            { "closed in the middle", "ML5206" },
            { "closed before the answer", "ML5206" },
            { "no HTTP", "ML5206" },
            { "endless headers", "ML5206" },
            { "compressed", "ML5206" },
        };

    [Theory]
    [MemberData(nameof(Answers))]
    public void A_response_that_does_not_match_the_request_is_refused(string kind, string rule)
    {
        Assert.Equal(rule, Assert.Throws<MemLoadException>(() => OpenSecond(first: kind)).Rule.Id);
        string second = Assert.Throws<MemLoadException>(() => OpenSecond(second: kind)).Rule.Id;
        Assert.Contains(second, (string[])[rule, "ML1006"]);

        // The first answer is correct and the second is not, or the first is already incorrect.
        static void OpenSecond(string first = "", string second = "")
        {
            int count = 0;
            using var server = new LocalServer(asked =>
                Wrong(asked, Interlocked.Increment(ref count) == 1 || first.Length > 0 ? first : second));
            Checkpoint.Open(server["m.safetensors"]);
        }
    }

    private static Reply Wrong(Asked asked, string kind)
    {
        Reply right = Reply.Of(asked, LongHeader);
        (long first, long last) = asked.Range!.Value;
        last = Math.Min(last, LongHeader.Length - 1);
        Reply Range(string range) => right with { Headers = [("Content-Range", range), ("ETag", "\"one\"")] };
        return kind switch
        {
            "" => right,
            "no Content-Range" => right with { Headers = [] },
            "another start" => Range($"bytes {first + 1}-{last + 1}/{LongHeader.Length}"),
            "a longer range" => Range($"bytes {first}-{last + 9}/{LongHeader.Length}"),
            "a shorter range" => Range($"bytes {first}-{last - 9}/{LongHeader.Length}") with { Body = right.Body[..^9] },
            "a range of no length" => Range($"bytes {first}-{last}/*"),
            "no bytes" => right with { Body = [], StatedLength = 0 },
            "a length of the range's own" => Range($"bytes {first}-{last}/{last + 1 - first - 1}"),
            "several ranges" => right with { Headers = [("Content-Type", "multipart/byteranges; boundary=x")] },
            "a negative range" => Range($"bytes -5-{last}/{LongHeader.Length}"),
            "a range beyond the file" => Range($"bytes {first}-{last}/{last}"),
            "a body that is too long" => right with { Body = [.. right.Body, .. new byte[100]], StatedLength = -1 },
            "a body that is too short" => right with { Body = right.Body[..100], StatedLength = -1 },
            "closed in the middle" => right with { CloseAfter = 1000 },
            "closed before the answer" => right with { Raw = [] },
            "no HTTP" => right with { Raw = "SSH-2.0-OpenSSH_9.9\r\n\r\n"u8.ToArray() },
            "endless headers" => right with { Raw = [.. "HTTP/1.1 206 OK\r\nX: "u8, .. Enumerable.Repeat((byte)'a', 4 << 20)] },
            "compressed" => right with { Headers = [.. right.Headers, ("Content-Encoding", "gzip")] },
            _ => throw new ArgumentOutOfRangeException(nameof(kind), kind, null),
        };
    }

    // Offsets from 2^60 represent decoded bytes, and sums of a few such lengths do not fit 64 bits.
    [Theory]
    [InlineData("m.pth", "PK\x03\x04")]
    [InlineData("m.gguf", "GGUF")]
    [InlineData("m.pt", "\x80\x02")]
    public void An_impossible_length_is_refused(string name, string start)
    {
        byte[] head = new byte[32 << 10];
        Encoding.Latin1.GetBytes(start, head);
        using var server = new LocalServer(
            _ => new Reply(206, head, ("Content-Range", $"bytes 0-{head.Length - 1}/{1L << 61}"), ("ETag", "\"one\"")));

        Assert.Contains("2305843009213693952 bytes", Refused("ML1004", server[name]).Finding, StringComparison.Ordinal);
    }

    [Fact]
    public void Shards_with_an_impossible_total_length_are_refused()
    {
        const int count = 12;
        long each = (1L << 60) - 4096;
        byte[] header = [];
        for (int spaces = 0; header.Length != 4096; spaces++)
        {
            header = CheckpointKit.Safetensors(
                $$$"""{"NN": {"dtype": "U8", "shape": [{{{each - 4096}}}], "data_offsets": [0, {{{each - 4096}}}]}}"""
                    + new string(' ', spaces));
        }
        string map = string.Join(", ", Enumerable.Range(10, count).Select(i => $"\"{i}\": \"{i}.safetensors\""));
        using var server = new LocalServer(asked => asked.Path.Contains("index", StringComparison.Ordinal)
            ? new Reply(200, Encoding.UTF8.GetBytes($$"""{"weight_map": { {{map}} } }"""))
            : Reply.Of(asked, each, (first, length) =>
            {
                byte[] bytes = new byte[length];
                byte[] named = Encoding.Latin1.GetBytes(
                    Encoding.Latin1.GetString(header).Replace("NN", asked.Path[1..3], StringComparison.Ordinal));
                named.CopyTo(bytes, 0);
                return first == 0 ? bytes : new byte[length];
            }));

        Refused("ML1004", server["model.safetensors.index.json"]);
    }

    [Fact]
    public void A_file_that_changes_between_requests_is_refused()
    {
        foreach ((string? first, string? second, byte[] later) in new (string?, string?, byte[])[]
            {
                ("\"one\"", "\"two\"", LongHeader),
                ("W/\"one\"", "W/\"two\"", LongHeader),
                (null, null, [.. LongHeader, 0]),
                ("\"one\"", "\"one\"", [.. LongHeader, 0]),
            })
        {
            int count = 0;
            using var server = new LocalServer(asked =>
                Interlocked.Increment(ref count) == 1 ? Reply.Of(asked, LongHeader, first) : Reply.Of(asked, later, second));

            Refused("ML1006", server["m.safetensors"]);
            Assert.Equal(2, server.Requests.Count);
        }
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_file_whose_date_changes_between_requests_is_refused(bool heedsTheCondition)
    {
        int count = 0;
        using var server = new LocalServer(asked =>
        {
            var unconditional = new Asked(asked.Path, new Dictionary<string, string> { ["range"] = asked.Headers["range"] });
            Reply reply = ++count > 1 && heedsTheCondition ? new Reply(200, LongHeader) : Reply.Of(unconditional, LongHeader, null);
            return reply with { Headers = [.. reply.Headers, ("Last-Modified", $"Wed, 21 Oct 2015 07:28:0{count} GMT")] };
        });

        Refused("ML1006", server["m.safetensors"]);

        Assert.Equal("Wed, 21 Oct 2015 07:28:01 GMT", server.Requests.Last().Headers["if-range"]);
    }

    [Fact]
    public void A_file_that_ends_before_the_second_range_was_changed()
    {
        int count = 0;
        using var server = new LocalServer(asked => Reply.Of(asked, ++count == 1 ? LongHeader : LongHeader[..100], null));

        Refused("ML1006", server["m.safetensors"]);
    }

    [Fact]
    public void A_length_that_is_not_that_of_the_range_is_named()
    {
        using var server = new LocalServer(asked => Wrong(asked, "no bytes"));

        Assert.Contains("0 bytes for a range of 32768", Refused("ML5206", server["m.safetensors"]).Finding, StringComparison.Ordinal);
    }

    [Fact]
    public void The_coding_identity_is_not_a_compressed_form()
    {
        using var server = new LocalServer(asked =>
        {
            Reply reply = Reply.Of(asked, LongHeader);
            return reply with { Headers = [.. reply.Headers, ("Content-Encoding", "identity")] };
        });

        Assert.Equal(2_000, Checkpoint.Open(server["m.safetensors"]).Tensors.Length);
    }

    [Fact]
    public void Ranges_that_end_after_the_first_are_named()
    {
        int count = 0;
        using var server = new LocalServer(asked =>
            Interlocked.Increment(ref count) == 1 ? Reply.Of(asked, LongHeader, null) : new Reply(200, LongHeader));

        Refused("ML5205", server["m.safetensors"]);
    }

    [Fact]
    public void A_request_to_a_server_that_stalls_ends_after_the_time_limit()
    {
        using var server = new LocalServer(asked => Reply.Of(asked, LongHeader) with { Stalls = true });

        var refusal = Assert.Throws<MemLoadException>(() => Checkpoint.Open(server["m.safetensors"], new OpenLimits { RemoteSeconds = 1 }));

        Assert.Equal("ML5208", refusal.Rule.Id);
        Assert.Contains("within 1 s", refusal.Finding, StringComparison.Ordinal);
    }

    [Fact]
    public void Cancelling_ends_a_request_that_waits()
    {
        using var stop = new CancellationTokenSource();
        using var server = new LocalServer(asked =>
        {
            stop.CancelAfter(1);
            return Reply.Of(asked, LongHeader) with { Stalls = true };
        });

        Assert.ThrowsAny<OperationCanceledException>(() => Checkpoint.Open(server["m.safetensors"], stop.Token));
        Assert.ThrowsAny<OperationCanceledException>(() => Checkpoint.Open(server["m.safetensors.index.json"], stop.Token));
    }

    [Fact]
    public void The_fetched_bytes_are_bounded()
    {
        using LocalServer server = LocalServer.Of(("m.safetensors", LongHeader), ("m.safetensors.index.json", new byte[100_000]));
        var limits = new OpenLimits { RemoteBytes = 50_000 };

        foreach (string name in (string[])["m.safetensors", "m.safetensors.index.json"])
        {
            var refusal = Assert.Throws<MemLoadException>(() => Checkpoint.Open(server[name], limits));
            Assert.Equal("ML5209", refusal.Rule.Id);
            Assert.Contains("remote-bytes=", refusal.Remedy, StringComparison.Ordinal);
        }
        Assert.InRange(server.SentBytes, 0, 200_000);
    }

    [Theory]
    [InlineData(301)]
    [InlineData(302)]
    [InlineData(303)]
    [InlineData(307)]
    [InlineData(308)]
    public void Redirects_are_followed_and_the_last_address_is_kept(int status)
    {
        using LocalServer store = LocalServer.Of(("blob", LongHeader));
        using var server = new LocalServer(asked =>
            asked.Path == "/m.safetensors" ? Reply.Redirect("/two", status) : Reply.Redirect(store["blob?X-Signature=secret"], status));

        var checkpoint = Checkpoint.Open(server["m.safetensors"]);

        Assert.Equal(server["m.safetensors"], checkpoint.Path);
        Assert.Equal(2, server.Requests.Count);
        Assert.All(store.Requests, asked => Assert.Equal("/blob?X-Signature=secret", asked.Path));
    }

    [Fact]
    public void Invalid_redirects_are_refused()
    {
        using var circle = new LocalServer(_ => Reply.Redirect("/m.safetensors"));
        Refused("ML5207", circle["m.safetensors"]);
        Assert.Equal(6, circle.Requests.Count);

        foreach (string target in (string[])["file:///etc/passwd", "ftp://host/x", "javascript:1"])
        {
            using var server = new LocalServer(_ => Reply.Redirect(target));
            Refused("ML5207", server["m.safetensors"]);
        }
        foreach (string target in (string[])["//", "///", "//:1", "//[", "http:", "http://", "http://[", @"\\", "?", ":"])
        {
            using var server = new LocalServer(_ => Reply.Redirect(target));
            Refused("ML5207", server["m.safetensors"]);
        }
        using var silent = new LocalServer(_ => new Reply(302, []));
        Refused("ML5207", silent["m.safetensors"]);
    }

    [Theory]
    [InlineData("https://a.example/x", "http://a.example/x", false)]
    [InlineData("https://a.example/x", "https://b.example/x", true)]
    [InlineData("http://a.example/x", "https://a.example/x", true)]
    public void A_redirect_never_ends_encryption(string from, string to, bool isFollowed)
    {
        using var answer = new HttpResponseMessage(HttpStatusCode.Redirect);
        answer.Headers.Location = new Uri(to);

        if (isFollowed)
        {
            Assert.Equal(to, RemoteSession.Redirected(new Uri(from), answer, 0, from).AbsoluteUri);
        }
        else
        {
            Assert.Equal("ML5207", Assert.Throws<MemLoadException>(() => RemoteSession.Redirected(new Uri(from), answer, 0, from)).Rule.Id);
        }
    }

    [Fact]
    public void An_unreachable_server_is_named()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        int port = ((IPEndPoint)listener.LocalEndpoint).Port;
        listener.Stop();

        Refused("ML5203", $"http://127.0.0.1:{port}/m.safetensors");
        Refused("ML5203", "http://nowhere.invalid/m.safetensors");
    }

    [SkippableFact]
    public async Task A_certificate_that_is_not_trusted_is_refused()
    {
        Skip.If(
            CompatibilityLayer.IsHere,
            "the layer gives no certificate a key in memory; CERT_NCRYPT_KEY_HANDLE_PROP_ID is documented to do it");
        using var key = RSA.Create(2048);
        X509Certificate2 made = new CertificateRequest("CN=127.0.0.1", key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1)
            .CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
        using X509Certificate2 certificate = X509CertificateLoader.LoadPkcs12(made.Export(X509ContentType.Pfx), null);
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        Task serving = Task.Run(async () =>
        {
            using TcpClient client = await listener.AcceptTcpClientAsync();
            using var stream = new SslStream(client.GetStream());
            try
            {
                await stream.AuthenticateAsServerAsync(certificate);
                _ = await stream.ReadAsync(new byte[1]);
            }
            catch (Exception e) when (e is IOException or System.Security.Authentication.AuthenticationException)
            {
                // The client does not continue.
            }
        });

        MemLoadException refusal = Refused("ML5203", $"https://127.0.0.1:{((IPEndPoint)listener.LocalEndpoint).Port}/m.safetensors");

        Assert.Contains("certificate", refusal.Finding, StringComparison.OrdinalIgnoreCase);
        await serving;
    }

    [Theory]
    [InlineData("https://")]
    [InlineData("https:///m.safetensors")]
    [InlineData("https://host")]
    [InlineData("https://host:port/m.safetensors")]
    [InlineData(@"https://host\m.safetensors")]
    [InlineData("https://user:pa/ss@host/m.safetensors")]
    public void A_malformed_address_is_refused(string address) => Refused("ML5202", address);

    [Fact]
    public void A_password_of_the_address_is_sent_only_to_its_server()
    {
        using LocalServer store = LocalServer.Of(("blob", LongHeader));
        using var server = new LocalServer(_ => Reply.Redirect(store["blob"]));
        string address = server["m.safetensors"].Replace("http://", "http://us%40er:s3cret@", StringComparison.Ordinal);

        var checkpoint = Checkpoint.Open(address);

        Assert.Equal(server["m.safetensors"], checkpoint.Path);
        Assert.Equal("Basic " + Convert.ToBase64String("us@er:s3cret"u8), server.Requests.Single().Headers["authorization"]);
        Assert.All(store.Requests, asked => Assert.DoesNotContain("authorization", asked.Headers));
    }

    [Fact]
    public void The_token_is_sent_only_to_the_server_of_the_hub()
    {
        using LocalServer store = LocalServer.Of(("blob", LongHeader));
        using var hub = new LocalServer(_ => Reply.Redirect(store["blob"]));
        Environment.SetEnvironmentVariable("HF_TOKEN", "hf_s3cret");
        Environment.SetEnvironmentVariable("HF_ENDPOINT", hub[""]);

        Checkpoint.Open(hub["org/name/resolve/main/model.safetensors"]);
        Assert.Equal("Bearer hf_s3cret", hub.Requests.Single().Headers["authorization"]);
        Assert.All(store.Requests, asked => Assert.DoesNotContain("authorization", asked.Headers));

        Checkpoint.Open(store["blob"]);
        Assert.All(store.Requests, asked => Assert.DoesNotContain("authorization", asked.Headers));
    }

    [Fact]
    public void The_hub_gets_no_request_if_the_environment_forbids_it()
    {
        byte[] file = CheckpointKit.SafetensorsOfBytes(("a", 3));
        using LocalServer hub = new(asked => Reply.Of(asked, file));
        using LocalServer other = LocalServer.Of(("m.safetensors", file));
        Environment.SetEnvironmentVariable("HF_ENDPOINT", hub[""]);
        Environment.SetEnvironmentVariable("HF_HUB_CACHE", _folder.Path);
        foreach (string value in (string[])["1", "on", "YES", "True"])
        {
            Environment.SetEnvironmentVariable("HF_HUB_OFFLINE", value);
            var refusal = Assert.Throws<MemLoadException>(() => Checkpoint.Open(HubCache.AtRevision("hf://org/name", null, remote: true)));
            Assert.Equal("ML5210", refusal.Rule.Id);
            Assert.Contains("HF_HUB_OFFLINE", refusal.Message, StringComparison.Ordinal);
            refusal = Assert.Throws<MemLoadException>(() => Checkpoint.Open(hub["org/name/resolve/main/m.safetensors"]));
            Assert.Equal("ML5210", refusal.Rule.Id);
        }
        Assert.Empty(hub.Requests);
        // Another server is not the hub.
        Assert.Single(Checkpoint.Open(other["m.safetensors"]).Tensors);
        Environment.SetEnvironmentVariable("HF_HUB_OFFLINE", "0");
        Assert.Single(Checkpoint.Open(hub["org/name/resolve/main/m.safetensors"]).Tensors);
    }

    [Fact]
    public void A_model_of_the_hub_is_found_on_its_server_if_it_is_not_in_the_cache()
    {
        byte[] file = CheckpointKit.SafetensorsOfBytes(("a", 3));
        using LocalServer hub = new(asked =>
            asked.Path is "/org/name/resolve/main/model.safetensors" or "/org/name/resolve/refs%2Fpr%2F1/sub/x.safetensors"
                ? Reply.Of(asked, file)
                : Reply.NotFound);
        Environment.SetEnvironmentVariable("HF_ENDPOINT", hub[""]);
        Environment.SetEnvironmentVariable("HF_HUB_CACHE", _folder.Path);

        Assert.Equal(
            hub["org/name/resolve/main/model.safetensors"],
            Checkpoint.Open(HubCache.AtRevision("hf://org/name", null, remote: true)).Path);
        Assert.Equal(
            hub["org/name/resolve/refs%2Fpr%2F1/sub/x.safetensors"],
            Checkpoint.Open(HubCache.AtRevision("hf://org/name/sub/x.safetensors", "refs/pr/1", remote: true)).Path);
        var missing = Assert.Throws<MemLoadException>(() => HubCache.AtRevision("hf://org/name", null));
        Assert.Equal("ML5018", missing.Rule.Id);
        Assert.Contains("Remote", missing.Remedy, StringComparison.OrdinalIgnoreCase);

        // A model in the cache is not requested from the server. It is in the cache if its folder has weights. A folder with only a
        // configuration is not the model.
        string snapshot = Directory
            .CreateDirectory(_folder["models--org--name/snapshots/0123456789abcdef0123456789abcdef01234567"])
            .FullName;
        File.WriteAllText(Path.Combine(snapshot, "config.json"), "{}");
        Assert.StartsWith("http://", HubCache.AtRevision("hf://org/name", null, remote: true), StringComparison.Ordinal);
        File.WriteAllBytes(Path.Combine(snapshot, "model.safetensors"), file);
        Assert.Equal(snapshot, HubCache.AtRevision("hf://org/name", null, remote: true));
        Environment.SetEnvironmentVariable("HF_ENDPOINT", "nonsense");
        Assert.Equal("ML5202", Assert.Throws<MemLoadException>(() => HubCache.AtRevision("hf://org/other", null, remote: true)).Rule.Id);
    }

    [Theory]
    [InlineData("https://user:secret@host/a/m.safetensors?token=secret#secret", "https://host/a/m.safetensors")]
    [InlineData("HTTP://user:secret@host:81/m", "HTTP://host:81/m")]
    [InlineData("https://host/a@b/m?x", "https://host/a@b/m")]
    [InlineData("https://user:secret@host/a@b/m", "https://host/a@b/m")]
    [InlineData("https://user:sec/secret@host/m?secret", "https://host/m")]
    [InlineData("https://user:se?c#secret@host/m", "https://host/m")]
    [InlineData("https://:secret@host", "https://host")]
    [InlineData("/folder/a?b#c@d", "/folder/a?b#c@d")]
    public void Secrets_of_an_address_are_not_shown(string address, string shown)
    {
        Assert.Equal(shown, RemoteAddress.Shown(address));
        Assert.StartsWith(
            RemoteAddress.Is(address) ? $"The proxy '{shown}" : "The proxy",
            RemoteAddress.Cleaned($"The proxy '{address}' failed"),
            StringComparison.Ordinal);
        Assert.DoesNotContain("secret", RemoteAddress.Cleaned($"The proxy '{address}' failed"), StringComparison.Ordinal);
        MemLoadException refusal = Rules.RemoteAddress.Broken("it is not", address);
        Assert.Equal(shown, refusal.Path);
        Assert.DoesNotContain("secret", refusal.ToString(), StringComparison.Ordinal);
    }

    private static MemLoadException Refused(string rule, string address)
    {
        string secret = RemoteAddress.Is(address) && Uri.TryCreate(address, UriKind.Absolute, out Uri? uri) && uri.UserInfo.Length == 0
            ? address.Replace("://", "://user:s3cret@", StringComparison.Ordinal) + "?token=s3cret" : address;
        var refusal = Assert.Throws<MemLoadException>(() => Checkpoint.Open(secret));
        Assert.True(rule == refusal.Rule.Id, $"{refusal.Rule.Id} in the place of {rule}: {refusal.Message}");
        Assert.DoesNotContain("s3cret", refusal.ToString(), StringComparison.Ordinal);
        Assert.DoesNotContain('\n', refusal.Message);
        Assert.InRange(refusal.Message.Length, 1, 1200);
        return refusal;
    }
}
