namespace MemLoad;

/// <summary>Rules on checkpoints on a server, of which only headers are read (ML52xx).</summary>
internal static partial class Rules
{
    // A plan needs headers. Bytes of tensors are not fetched.
    public static Rule RemoteBytes => field ??= new("ML5201", "only the headers of a checkpoint on a server are read",
        $"Download the checkpoint first, and give the path of the file. {Act.Plan} and {Act.Inspect} accept the address.");
    public static Rule RemoteAddress => field ??= new("ML5202", "the address names a file on a server",
        "Give the address of a file, such as https://HOST/model.safetensors or https://HOST/model.safetensors.index.json, or of a folder, "
            + "with a slash at its end.");
    public static Rule RemoteUnreachable => field ??= new("ML5203", "the server can be reached",
        "Check the address, the network and the proxy (HTTPS_PROXY). The certificate of the server must be valid.");
    public static Rule RemoteStatus =>
        field ??= new("ML5204", "the server sends the file", "Check the address. If the server is busy, try again later.");

    // With range requests, headers are read without the rest.
    public static Rule RemoteRanges => field ??= new("ML5205", "the server sends ranges of files",
        "Use a server that answers range requests (RFC 9110), as web servers and object stores do, or download the file.");
    public static Rule RemoteAnswer => field ??= new("ML5206", "the response of the server matches the request",
        "Try again. If it occurs again, the server or a proxy is faulty. Download the file in another way.");

    // Redirects from https to http, and circular redirects, are not followed.
    public static Rule RemoteRedirect => field ??= new("ML5207", "redirects are few and remain encrypted",
        "Give the address that the server redirects to, if you trust it.");
    public static Rule RemoteSlow => field ??= new("ML5208", "the server answers in time",
        $"Try again later. For a slow server, raise the limit: set {OpenLimits.Variable} to remote-seconds=600 or more.");
    public static Rule RemoteLarge => field ??= new("ML5209", "the headers on a server are within the limit of fetched bytes",
        "Download the checkpoint, or raise the limit.");
    public static Rule RemoteOffline => field ??= new("ML5210",
        "requests to the Hugging Face hub are sent only if HF_HUB_OFFLINE permits them",
        "Remove HF_HUB_OFFLINE from the environment to read headers on the server, or download the model where this is permitted.");
}
