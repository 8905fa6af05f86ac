// PDF.js's worker.
import "./older.js";
// It exports nothing that is used.
import "pdfjs-dist/build/pdf.worker.mjs";
