/** Of all that the executable carries. */
import LICENSES from "../LICENSES.txt" with { type: "text" };

export { LICENSES };
