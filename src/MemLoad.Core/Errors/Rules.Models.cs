namespace MemLoad;

/// <summary>Rules on models and their input (ML602x).</summary>
internal static partial class Rules
{
    public static Rule HeadsUnknown => field ??= new("ML6020", "the number of attention heads is known",
        $"Give the number of heads that the model was trained with ({(Act.Load, Setting.HeadCount)}).");
    public static Rule NotGpt => field ??= new("ML6021", "the state dict belongs to a GPT model",
        $"Choose a checkpoint of the GPT model, or narrow this one to the model with a key ({Setting.Key}); "
            + $"{Act.Inspect} lists the names.");
    public static Rule GptConfigInvalid =>
        field ??= new("ML6022", "the dimensions of the model are positive, and the embedding size is a multiple of the number of heads",
        "Give the dimensions and the number of heads that the model was trained with.");
    public static Rule GptDTypeUnsupported => field ??= new("ML6023", "the weights of a GPT model are float32, float16 or bfloat16",
        $"Load the weights again as float32 ({Setting.DType}).");
    public static Rule WeightShapeMismatch => field ??= new("ML6024", "each weight has the shape that the model expects",
        "Choose the model that the weights were written for.");
    public static Rule TokenIdUnknown => field ??= new("ML6025", "each token id is in the vocabulary",
        "Use the tokenizer that the model was trained with.");
    public static Rule TokenCountUnfit => field ??= new("ML6026", "there is at least one token id, and no more than the context length",
        "Give at least one token id, and shorten longer inputs to the context length.");
    public static Rule ModelWithoutWeights =>
        field ??= new("ML6027", "the model has weights", $"Load weights into it with {(Act.Load, Setting.Model)}.");
    public static Rule ModelGone => field ??= new("ML6028", "the model is still in this session", "Build or import the model again.");
    public static Rule LayoutDiffers =>
        field ??= new("ML6029", "weights that are loaded in place have the layout of the weights that they replace",
        $"Load them into new memory: {Act.Load}.");
    public static Rule ModelUnknown =>
        field ??= new("ML6030", "the session has a model with this name", "Give the name of a model of this session.");
    public static Rule ModelNotNew => field ??= new("ML6031", "the name and the number of heads are given for a new model only",
        $"Leave them out, or leave out {Setting.Model} to make a new model.");
}
