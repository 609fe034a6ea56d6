using System.Net;
using System.Net.Http.Headers;
using System.Text;

namespace MemLoad;

/// <summary>
/// The connections to the server of one checkpoint while it is opened. Requests ask for ranges. The fetched bytes and the time are limited.
/// A password of the address is sent to the server of the address and to no other. <c>HF_TOKEN</c> is sent to the server of
/// <c>HF_ENDPOINT</c> and to no other, and only encrypted or, without a proxy, within this machine. Paths are addresses as they are shown.
/// </summary>
internal sealed class RemoteSession : IDisposable
{
    /// <summary>The most connections at a time.</summary>
    public const int Connections = 8;

    private const int MostRedirects = 5;
    private const string HubHost = "https://huggingface.co";

    private static readonly string[] UsualNames =
        ["model.safetensors.index.json", "model.safetensors", "pytorch_model.bin.index.json", "pytorch_model.bin"];

    private static readonly ProductInfoHeaderValue Agent = new("MemLoad", typeof(RemoteSession).Assembly.GetName().Version!.ToString(3));

    private readonly HttpMessageInvoker _client;
    private readonly OpenLimits _limits;
    private readonly Uri _root;
    private readonly string _shownRoot;
    private readonly string _name;
    private long _fetched;

    /// <summary>Begins a session. Nothing is sent yet.</summary>
    /// <param name="address">The address of a file, or of a folder with a slash at its end. Other files of the checkpoint are in the same
    /// folder.</param>
    /// <param name="limits">The limits on bytes and time.</param>
    /// <param name="ct">Stops all requests.</param>
    /// <exception cref="MemLoadException">ML5202, or ML5210 for the hub if <c>HF_HUB_OFFLINE</c> is set.</exception>
    public RemoteSession(string address, OpenLimits limits, CancellationToken ct)
    {
        _root = RemoteAddress.Of(address);
        string shown = RemoteAddress.Shown(address);
        _shownRoot = FolderOf(shown);
        _name = shown[_shownRoot.Length..];
        _limits = limits;
        Stop = ct;
        if (IsOffline && IsHub(_root))
        {
            throw Rules.RemoteOffline.Broken("HF_HUB_OFFLINE is set, and the file is on the server of the hub", shown);
        }
        // The certificate of the server is checked as everywhere in .NET.
        _client = new HttpMessageInvoker(new SocketsHttpHandler
        {
            AllowAutoRedirect = false,
            AutomaticDecompression = DecompressionMethods.None,
            ConnectTimeout = TimeSpan.FromSeconds(limits.RemoteSeconds),
            MaxConnectionsPerServer = Connections,
            MaxResponseDrainSize = 0,
            UseCookies = false,
        });
    }

    /// <summary>Stops all requests.</summary>
    public CancellationToken Stop { get; }

    /// <summary>The server of the Hugging Face hub: HF_ENDPOINT, or huggingface.co.</summary>
    /// <exception cref="MemLoadException">ML5202.</exception>
    public static string HubEndpoint => Environment.GetEnvironmentVariable("HF_ENDPOINT") is not { Length: > 0 } endpoint ? HubHost
        : RemoteAddress.Is(endpoint) ? endpoint.TrimEnd('/')
            : throw Rules.RemoteAddress.Broken("HF_ENDPOINT is not the address of a server",
                remedy: $"Set it to an address such as {HubHost}, or remove it.");

    // The same values as in the library huggingface_hub (constants.py): 1, ON, YES and TRUE, case ignored.
    private static bool IsOffline =>
        Environment.GetEnvironmentVariable("HF_HUB_OFFLINE")?.ToUpperInvariant() is "1" or "ON" or "YES" or "TRUE";

    /// <summary>The path of a file in the same folder. The name is that of the file, without escapes.</summary>
    public static string InFolderOf(string path, string name) => FolderOf(path) + Uri.EscapeDataString(name);

    /// <summary>
    /// Returns the address to open, as it is shown: that of the session, or of a file in its folder that has a usual name.
    /// </summary>
    /// <exception cref="MemLoadException">ML5202 if the folder has no such file, ML5203 to ML5208.</exception>
    public string Find()
    {
        MemLoadException? forbidden = null;
        return _name.Length > 0 ? _shownRoot + _name
            : UsualNames.FirstOrDefault(name => Has(_shownRoot + name, ref forbidden)) is string found ? _shownRoot + found
            : throw forbidden ?? Rules.RemoteAddress.Broken($"the server has none of {Printable.List(UsualNames)} there", _shownRoot,
                remedy: "Give the address of a file.");
    }

    /// <summary>Opens a file for reading ranges of it.</summary>
    /// <exception cref="MemLoadException">ML5202 to ML5209.</exception>
    public RemoteFile Open(string path) => new(this, AddressOf(path), path);

    /// <summary>Reads a whole file, up to a limit of bytes.</summary>
    /// <returns>The file; null if the server has none of that name (404), or does not say whether it has one (403).</returns>
    /// <exception cref="MemLoadException">ML5202 to ML5209.</exception>
    public RemoteFile? TryOpenWhole(string path, long most)
    {
        Uri address = AddressOf(path);
        using var request = new RemoteRequest(this, path);
        using HttpResponseMessage answer = request.Send(ref address, null);
        if (answer.StatusCode is HttpStatusCode.NotFound or HttpStatusCode.Forbidden)
        {
            return null;
        }
        request.RequireStatus(answer, HttpStatusCode.OK);
        long? length = answer.Content.Headers.ContentLength;
        return length > most ? throw Rules.RemoteLarge.Broken($"the file has {length} bytes, more than {most}", path)
            : new RemoteFile(this, address, path, request.ReadToEnd(answer, most));
    }

    // Returns whether the server has the file. Object stores that do not list a folder answer 403 for a file that is not there. An answer
    // with any other status is an error.
    private bool Has(string path, ref MemLoadException? forbidden)
    {
        Uri address = AddressOf(path);
        using var request = new RemoteRequest(this, path);
        using HttpResponseMessage answer = request.Send(ref address, new RangeHeaderValue(0, 0));
        if (answer.StatusCode == HttpStatusCode.NotFound)
        {
            return false;
        }
        if (answer.StatusCode == HttpStatusCode.Forbidden)
        {
            forbidden ??= request.Refusal(answer);
            return false;
        }
        request.RequireStatus(answer, HttpStatusCode.PartialContent, HttpStatusCode.OK);
        return true;
    }

    /// <summary>Sends one request, without following redirects.</summary>
    internal Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken ct)
    {
        request.Headers.UserAgent.Add(Agent);
        request.Headers.AcceptEncoding.Add(new StringWithQualityHeaderValue("identity"));
        request.Headers.Authorization = AuthorizationFor(request.RequestUri!);
        return _client.SendAsync(request, ct);
    }

    /// <summary>Counts bytes before they are fetched.</summary>
    /// <exception cref="MemLoadException">ML5209.</exception>
    internal void Spend(long bytes, string path)
    {
        long total = Interlocked.Add(ref _fetched, bytes);
        if (total > _limits.RemoteBytes)
        {
            throw Rules.RemoteLarge.Broken($"the headers have more than {_limits.RemoteBytes} bytes so far", path,
                remedy: $"Download the checkpoint. {OpenLimits.Raise("remote-bytes", 4 * Math.Max(total, _limits.RemoteBytes))}.");
        }
    }

    /// <summary>The time of one request with its answer.</summary>
    internal TimeSpan Timeout => TimeSpan.FromSeconds(_limits.RemoteSeconds);

    /// <summary>The next address of a redirect.</summary>
    /// <exception cref="MemLoadException">ML5207.</exception>
    internal static Uri Redirected(Uri from, HttpResponseMessage answer, int count, string path)
    {
        if (count >= MostRedirects)
        {
            throw Rules.RemoteRedirect.Broken($"the server redirects more than {MostRedirects} times", path);
        }
        if (!Uri.TryCreate(from, answer.Headers.Location, out Uri? to) || !RemoteAddress.Is(to.AbsoluteUri))
        {
            throw Rules.RemoteRedirect.Broken("the server redirects to a location that is not the address of a server", path);
        }
        return from.Scheme == Uri.UriSchemeHttps && to.Scheme != Uri.UriSchemeHttps
            ? throw Rules.RemoteRedirect.Broken($"the server redirects from https to http, on {Printable.Quote(to.Host)}", path)
            : to;
    }

    public void Dispose() => _client.Dispose();

    private static string FolderOf(string path) => path[..(path.LastIndexOf('/') + 1)];

    // A query belongs to the whole folder, as the signature of a container in an object store does.
    private Uri AddressOf(string path)
    {
        string name = path[_shownRoot.Length..];
        return name == _name ? _root
            : new UriBuilder(_root) { Path = FolderOf(_root.AbsolutePath) + name, Fragment = "" }.Uri;
    }

    private static bool IsHub(Uri address) =>
        Uri.TryCreate(HubEndpoint, UriKind.Absolute, out Uri? hub) && RemoteAddress.AreOfOneServer(address, hub);

    // A request to this machine can go through a proxy on another one. Not every proxy answers both questions.
    private static bool IsDirect(Uri address) =>
        HttpClient.DefaultProxy.IsBypassed(address) || HttpClient.DefaultProxy.GetProxy(address) is null;

    private AuthenticationHeaderValue? AuthorizationFor(Uri address)
    {
        if (_root.UserInfo.Length > 0 && RemoteAddress.AreOfOneServer(address, _root))
        {
            return new AuthenticationHeaderValue("Basic",
                Convert.ToBase64String(Encoding.UTF8.GetBytes(Uri.UnescapeDataString(_root.UserInfo))));
        }
        bool isPrivate = address.Scheme == Uri.UriSchemeHttps || (address.IsLoopback && IsDirect(address));
        return isPrivate && Environment.GetEnvironmentVariable("HF_TOKEN")?.Trim() is { Length: > 0 } token
            && token.All(c => c is > ' ' and < '\x7f')
            && IsHub(address)
            ? new AuthenticationHeaderValue("Bearer", token) : null;
    }
}
